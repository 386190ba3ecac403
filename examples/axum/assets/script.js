// Pages work without this script. With it they follow changes, times tick and drafts stay.
(() => {
  'use strict';
  const body = document.body.dataset, all = (q, of = document) => [...of.querySelectorAll(q)];
  const unit = (body.units || 'd h min').split(' ');

  // The zone of the reader, once.
  if (body.zone === 'unknown') {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (/^[\w+\-\/]+$/.test(zone || '')) {
      const secure = location.protocol === 'https:' ? ';Secure' : '';
      document.cookie = `incident_zone=${zone};Path=/;SameSite=Lax;Max-Age=31536000${secure}`;
      if (zone !== 'UTC') queueMicrotask(refresh);
    }
  }

  // Elapsed times.
  const span = (ms) => {
    const min = Math.max(0, Math.floor(ms / 6e4)), d = Math.floor(min / 1440), h = Math.floor(min / 60) % 24;
    const part = (n, nth) => n + '\u00a0' + unit[nth];
    return d ? part(d, 0) + ' ' + part(h, 1) : h ? part(h, 1) + ' ' + part(min % 60, 2) : part(min, 2);
  };
  const skew = Date.parse(body.now) - Date.now();
  const tick = () => all('[data-since]').forEach((e) => {
    const text = span(Date.now() + skew - Date.parse(e.dataset.since));
    if (e.textContent !== text) e.textContent = text;
  });
  setInterval(tick, 1e4);

  // Regions that follow changes: replaced as a whole, or only appended to.
  let running = false, again = false;
  async function refresh() {
    if (running) { again = true; return; }
    running = true;
    try {
      const response = await fetch(body.at || location.href, {headers: {accept: 'text/html'}, redirect: 'manual'});
      if (response.ok) merge(new DOMParser().parseFromString(await response.text(), 'text/html'));
      const note = document.getElementById('signed-out');
      if (note) note.hidden = response.type !== 'opaqueredirect';
    } catch { /* The stream says when the server is back. */ }
    running = false;
    if (again) { again = false; refresh(); }
  }
  function merge(next) {
    document.title = next.title;
    all('[data-live]').forEach((old) => {
      const fresh = next.getElementById(old.id);
      if (!fresh || fresh.innerHTML === old.innerHTML) return;
      if (old.dataset.live === 'append') {
        const known = new Set([...old.children].map((e) => e.id));
        [...fresh.children].forEach((e) => {
          if (!known.has(e.id)) { e.classList.add('fresh'); old.append(e); }
          else if (e.outerHTML !== document.getElementById(e.id).outerHTML) document.getElementById(e.id).innerHTML = e.innerHTML;
        });
        return;
      }
      const focus = old.contains(document.activeElement) && document.activeElement;
      if (focus && focus.matches('input,textarea,select')) return;
      const open = all('details[open]', old).map((e) => e.id);
      old.innerHTML = fresh.innerHTML;
      open.forEach((id) => { const e = id && document.getElementById(id); if (e) e.open = true; });
      if (focus && focus.id) document.getElementById(focus.id)?.focus({preventScroll: true});
    });
    tick();
  }

  // One stream for all tabs: browsers allow six connections to a host.
  const events = body.events;
  if (events && window.EventSource) {
    const name = 'incident ' + events.split('?')[0];
    const channel = window.BroadcastChannel && new BroadcastChannel(name);
    const heard = () => { if (document.hidden) again = true; else refresh(); };
    if (channel) channel.onmessage = heard;
    document.addEventListener('visibilitychange', () => { if (!document.hidden && again) { again = false; refresh(); } });
    const open = () => new Promise((leave) => {
      const source = new EventSource(events);
      const changed = () => { heard(); channel?.postMessage(1); };
      source.addEventListener('change', changed);
      source.addEventListener('reset', changed);
      // Refused: the session has ended, or the server is busy. Other tabs try in turn.
      source.onerror = () => { if (source.readyState === 2) { heard(); leave(); setTimeout(follow, 3e4); } };
      addEventListener('pagehide', () => source.close());
    });
    const follow = () => { if (channel && navigator.locks) navigator.locks.request(name, open).catch(() => {}); else open(); };
    follow();
  }

  // Drafts. Who goes back to a sent form finds it as it was, with its key.
  const isBack = performance.getEntriesByType('navigation')[0]?.type === 'back_forward';
  all('form[data-draft]').forEach((form) => {
    const place = 'draft ' + form.dataset.draft, name = (e) => e.id || e.name;
    const fields = all('textarea,input[type=text],[name=key]', form);
    let kept = {};
    try { kept = JSON.parse(sessionStorage.getItem(place)) || {}; } catch { /* Not ours. */ }
    if (!kept.sent || isBack) fields.forEach((e) => {
      if (kept[name(e)] && (e.name === 'key' ? kept.sent : !e.value)) e.value = kept[name(e)];
    });
    const keep = (sent) => sessionStorage.setItem(place, JSON.stringify(fields.reduce((all, e) => ({...all, [name(e)]: e.value}), {sent})));
    form.addEventListener('input', () => keep(0));
    form.addEventListener('submit', () => keep(1));
  });
  // Forms are sent once.
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = 1;
    setTimeout(() => delete form.dataset.sent, 5e3);
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.target.form?.requestSubmit();
    if (event.key === 'Escape') all('details.menu[open]').forEach((e) => { e.open = false; e.firstElementChild.focus(); });
  });
  document.addEventListener('click', (event) => {
    all('details.menu[open]').forEach((e) => { if (!e.contains(event.target)) e.open = false; });
  });
  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    all('form').forEach((form) => delete form.dataset.sent);
    refresh();
  });
  document.querySelector('.summary')?.focus();
})();
