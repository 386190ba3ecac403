// Gives a sentence if the page scrolls sideways.
const page = document.scrollingElement || document.documentElement;
const width = Math.max(page.scrollWidth, document.documentElement.scrollWidth);
if (width <= viewport) {
    return [];
}
let farthest = document.body;
for (const element of document.body.querySelectorAll('*')) {
    const reaches = (one) => one.getBoundingClientRect().right;
    if (isShown(element) && reaches(element) > reaches(farthest)) {
        farthest = element;
    }
}
return [`the page is ${width} px wide in a viewport of ${viewport} px: ${name(farthest)} reaches farthest`];
