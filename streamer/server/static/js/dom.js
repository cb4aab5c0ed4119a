// Small hands for the document. Text is only ever set as text, never as markup.

export const byId = (id) => document.getElementById(id);

export function fromTemplate(id) {
  return byId(id).content.cloneNode(true);
}

export function setText(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

export function setData(element, key, value) {
  if (element.dataset[key] !== value) element.dataset[key] = value;
}

export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
