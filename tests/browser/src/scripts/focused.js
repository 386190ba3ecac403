// Gives name, id, label and rectangle of the focused element.
return described(document.activeElement || document.body);
