// How the text of a key in the address is read: a value, or null for nonsense.

export const oneOf = (...allowed) => (text) => (allowed.includes(text) ? text : null);
export const digits = (text) => (/^\d{1,19}$/.test(text) ? text : null);
export const portNumber = (text) => (/^\d{1,5}$/.test(text) && Number(text) < 65536 ? text : null);
export const word = (text) => (/^[\w .-]{1,63}$/.test(text) ? text : null);
export const name = (text) => (/^[^\p{C}]{1,63}$/u.test(text) ? text : null);
export const versionName = (text) => (/^.{1,200}~\d{1,9}$/.test(text) ? text : null);
export const box = (text) => (/^(-?\d{1,12}(\.\d{1,6})?,){3}-?\d{1,12}(\.\d{1,6})?$/.test(text) ? text : null);
