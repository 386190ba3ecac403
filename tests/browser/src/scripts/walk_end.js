// Gives a sentence for each element that showed no focus in any of its parts, or that the walk should have reached. Of radio buttons of one name one is reached.
const walk = window.tabWalk;
delete window.tabWalk;
walk.end.remove();
const isOfReachedGroup = (element) => element.type === 'radio' && element.name !== '' && [...walk.seen].some((one) =>
    one.type === 'radio' && one.name === element.name && one.form === element.form);
const missed = walk.expected.filter((element) => element.isConnected && !walk.seen.has(element) && !isOfReachedGroup(element));
return [
    ...[...walk.unmarked].map((element) => `${name(element)} shows no sign that it has the focus`),
    ...missed.map((element) => `${name(element)} is not reached by Tab`),
];
