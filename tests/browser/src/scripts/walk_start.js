// Prepares a walk by Tab: nothing has the focus, the walk begins at the start or the end of the page,
// and the look of each element without the focus is known.
const [back] = arguments;
const kinds = 'a[href], area[href], button, input:not([type=hidden]), select, textarea, summary, iframe, '
    + '[tabindex], [contenteditable=""], [contenteditable=true], audio[controls], video[controls]';
const isFocusable = (element) => element.tabIndex >= 0 && !element.matches(':disabled')
    && !element.closest('[inert]') && element.checkVisibility({visibilityProperty: true});
// Parts that scroll take the focus where nothing in them does.
const scrolls = (element) => (element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight)
    && /auto|scroll/.test(getComputedStyle(element).overflow);

if (document.activeElement) {
    document.activeElement.blur();
}
// The next Tab goes on from where the focus was, although the element is gone.
const mark = document.createElement('span');
mark.tabIndex = -1;
document.body[back ? 'append' : 'prepend'](mark);
mark.focus({preventScroll: true});
mark.remove();
scrollTo(0, back ? document.documentElement.scrollHeight : 0);

const expected = [...document.querySelectorAll(kinds)].filter(isFocusable);
const looks = new Map(expected.map((element) => [element, look(element)]));
for (const element of document.body.querySelectorAll('*')) {
    if (!looks.has(element) && scrolls(element)) {
        looks.set(element, look(element));
    }
}
// A stop of its own behind the last one: whether the browser goes on to its own buttons or begins
// again is up to it.
const end = document.createElement('span');
end.tabIndex = 0;
end.style.position = 'fixed';
document.body[back ? 'prepend' : 'append'](end);
window.tabWalk = {end, expected, looks, seen: new Set(), unmarked: new Set(), parts: 0};
