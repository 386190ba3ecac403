// Gives a sentence for each element that the walk should have reached. Of radio buttons of one name one is reached.
const walk = window.tabWalk;
delete window.tabWalk;
const isOfReachedGroup = (element) => element.type === 'radio' && element.name !== '' && [...walk.seen].some((one) =>
    one.type === 'radio' && one.name === element.name && one.form === element.form);
return walk.expected
    .filter((element) => element.isConnected && !walk.seen.has(element) && !isOfReachedGroup(element))
    .map((element) => `${name(element)} is not reached by Tab`);
