// Runs the rules of axe-core on the page, and gives what it found, cut short.
const done = arguments[arguments.length - 1];
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const cut = (text, length) => Array.from((text || '').toWellFormed()).slice(0, length).join('');
const shortened = (rules) => rules.map(({id, impact, help, nodes}) => ({
    rule: id,
    impact: impact || '',
    help,
    nodes: nodes.slice(0, 50).map(({target, html, failureSummary, any, all, none}) => ({
        selector: cut(target.flat().join(' '), 500),
        html: cut(html, 200),
        summary: cut(failureSummary || [...any, ...all, ...none].map((one) => one.message).join('; '), 1_000),
    })),
}));
axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations', 'incomplete']}).then(
    ({violations, incomplete}) => done({violations: shortened(violations), incomplete: shortened(incomplete)}),
    (error) => done({error: String(error)}),
);
