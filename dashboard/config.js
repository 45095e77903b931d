// Where the API is: beside the page, as nginx serves it.  A page on another
// server names it here, ending in a slash; that API must then allow the page's
// origin (PostgREST's server-cors-allowed-origins).

export const API = new URL('api/', import.meta.url);
