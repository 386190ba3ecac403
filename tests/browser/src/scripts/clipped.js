// Gives a sentence for each element that cuts off its text.
const found = [];
const clips = (overflow) => overflow === 'hidden' || overflow === 'clip';
const fields = ['input', 'select', 'textarea', 'option', 'svg'];
for (const element of document.body.querySelectorAll('*')) {
    const style = getComputedStyle(element);
    const isCandidate = (clips(style.overflowX) || clips(style.overflowY))
        && !fields.includes(element.localName) && !element.closest('svg') && element.textContent.trim();
    // A link that ends after some lines leads to the whole of its text.
    const isFoldedLink = element.matches('a[href]') && style.webkitLineClamp !== 'none';
    if (!isCandidate || isFoldedLink || !isShown(element) || isHiddenFromSight(element)) {
        continue;
    }
    const wide = element.scrollWidth - element.clientWidth;
    const high = element.scrollHeight - element.clientHeight;
    const line = parseFloat(style.lineHeight) || parseFloat(style.fontSize) * 1.2;
    if (clips(style.overflowX) && wide > 1) {
        found.push(`${name(element)} cuts off ${wide} px of its text at the side`);
    } else if (clips(style.overflowY) && high > line / 2) {
        found.push(`${name(element)} cuts off ${high} px of its text at the bottom`);
    }
}
return found.slice(0, 20);
