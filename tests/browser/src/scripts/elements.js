// Functions about elements, to be put before the other scripts.
const viewport = document.documentElement.clientWidth;

// Cuts a text to so many characters. Half of a character would not reach the other side.
const cut = (text, length) => Array.from(text.slice(0, 2 * length).toWellFormed()).slice(0, length).join('');

// Gives an element's name for a person: a short selector and the start of its text.
function name(element) {
    const id = element.id ? `#${element.id}` : '';
    const classes = [...element.classList].slice(0, 2).map((one) => `.${one}`).join('');
    const text = (element.innerText || element.value || '').replace(/\s+/g, ' ').trim();
    return `${element.localName}${id || classes}${text ? ` "${cut(text, 40)}"` : ''}`;
}

// Tells elements that are only for assistive technology: a pixel in size, clipped away, or moved out.
function isHiddenFromSight(element) {
    for (let one = element; one && one !== document.body; one = one.parentElement) {
        const style = getComputedStyle(one);
        const {width, height, right, bottom} = one.getBoundingClientRect();
        const isClipped = /rect\(0(px)?,? 0(px)?,? 0(px)?,? 0(px)?\)|rect\(1px,? 1px,? 1px,? 1px\)/.test(style.clip)
            || /inset\((50|100)%/.test(style.clipPath);
        const isTiny = width <= 1 && height <= 1 && style.overflowX !== 'visible';
        const isMovedOut = ['absolute', 'fixed'].includes(style.position)
            && (right + scrollX <= 0 || bottom + scrollY <= 0);
        if (isClipped || isTiny || isMovedOut || style.opacity === '0') {
            return true;
        }
    }
    return false;
}

function isShown(element) {
    const {width, height} = element.getBoundingClientRect();
    return width > 0 && height > 0 && element.checkVisibility({visibilityProperty: true});
}

// Gives all that may show the focus on an element: on itself, its label, and the two elements around it.
function look(element) {
    const around = [element.parentElement, element.parentElement && element.parentElement.parentElement];
    const all = [element, ...(element.labels || []), ...around].filter((one) => one);
    for (const animation of document.getAnimations()) {
        // Transitions would show the look before; what repeats without end has no end to go to.
        if (animation instanceof CSSTransition) {
            animation.finish();
        }
    }
    return all.flatMap((one) => ['', '::before', '::after'].map((pseudo) => {
        const style = getComputedStyle(one, pseudo);
        const isOutlined = style.outlineStyle !== 'none' && style.outlineWidth !== '0px' && !/, 0\)$/.test(style.outlineColor);
        return [
            isOutlined ? style.outlineStyle + style.outlineWidth + style.outlineColor : '',
            style.boxShadow, style.borderColor, style.borderWidth, style.backgroundColor, style.textDecorationLine,
            pseudo ? style.content : '',
        ].join(' ');
    })).join('|');
}

// Gives the label of an element: of `aria-label`, `label`, its text or its `title`.
function labelOf(element) {
    const labels = element.labels ? [...element.labels].map((one) => one.innerText) : [];
    const label = element.getAttribute('aria-label') || labels.join(' ') || element.innerText || element.title || '';
    return cut(label.replace(/\s+/g, ' ').trim(), 200);
}

// Gives an element as the other side reads it.
function described(element) {
    const {left, top, right, bottom} = element.getBoundingClientRect();
    return {
        tag: element.localName,
        id: element.id,
        label: element === document.body ? '' : labelOf(element),
        rectangle: [left, top, right, bottom].map(Math.round),
    };
}
