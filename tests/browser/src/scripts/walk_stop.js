// Gives the element that has the focus now, and what is wrong with it.
const walk = window.tabWalk;
const hasParts = (one) => one.matches('input[type=date], input[type=datetime-local], input[type=month], input[type=time], input[type=week]');
const element = document.activeElement;
if (!element || element === walk.end || element === document.body || element === document.documentElement) {
    return {is_end: true, findings: []};
}
const isMarked = walk.looks.get(element) !== look(element);
if ([...walk.seen].pop() === element && hasParts(element) && walk.parts < 10) {
    // Day, month, year, hour, minute, and the button that opens a calendar.
    walk.parts += 1;
    if (isMarked) {
        walk.unmarked.delete(element);
    }
    return {is_part: true, findings: []};
}
walk.parts = 0;
if (walk.seen.has(element)) {
    return {is_end: true, findings: [`the focus does not leave ${name(element)}`]};
}
walk.seen.add(element);

// A field that is hidden from sight is seen by its label.
const visible = isHiddenFromSight(element) && element.labels && element.labels[0] || element;
const parts = [...visible.getClientRects()].map(({left, top, right, bottom}) => ({
    left: Math.max(left, 0), top: Math.max(top, 0), right: Math.min(right, innerWidth), bottom: Math.min(bottom, innerHeight),
})).filter(({left, top, right, bottom}) => right > left && bottom > top);
const isHit = (x, y) => {
    const hit = document.elementFromPoint(x, y);
    return hit && (visible.contains(hit) || [...(element.labels || [])].some((label) => label.contains(hit)));
};
const shares = [0.1, 0.3, 0.5, 0.7, 0.9];
const isUncovered = parts.some(({left, top, right, bottom}) => shares.some((across) => shares.some((down) =>
    isHit(left + (right - left) * across, top + (bottom - top) * down))));

const findings = [];
if (!isShown(visible) || isHiddenFromSight(visible)) {
    findings.push(`${name(element)} has the focus and is not visible`);
} else if (parts.length === 0) {
    findings.push(`${name(element)} has the focus and is outside of the viewport`);
} else if (!isUncovered) {
    findings.push(`${name(element)} has the focus and is covered by other elements`);
}
if (!isMarked && hasParts(element)) {
    // Another of its parts may show it.
    walk.unmarked.add(element);
} else if (!isMarked) {
    findings.push(`${name(element)} shows no sign that it has the focus`);
}
return {is_end: false, findings, ...described(element)};
