// Gives a sentence for each element that sticks out of the viewport at its sides.
const found = [];
const isInside = (element) => {
    const {left, right} = element.getBoundingClientRect();
    return left >= -1 && right <= viewport + 1;
};
const isContained = (element) => {
    for (let one = element.parentElement; one && one !== document.body; one = one.parentElement) {
        if (getComputedStyle(one).overflowX !== 'visible' && isInside(one)) {
            return true;
        }
    }
    return false;
};
for (const element of document.body.querySelectorAll('*')) {
    if (found.some((one) => one.contains(element)) || isInside(element) || !isShown(element)) {
        continue;
    }
    if (!isContained(element) && !isHiddenFromSight(element)) {
        found.push(element);
    }
}
return found.slice(0, 20).map((element) => {
    const {left, right} = element.getBoundingClientRect();
    return `${name(element)} sticks out: it reaches from ${Math.round(left)} to ${Math.round(right)} px in a viewport of ${viewport} px`;
});
