/** The user's configuration, as a file and as a document. */
export { configPath, exposedError, readNamedConfig, readOwnConfig } from '../disk/config-file.js';
export type { ConfigFile } from '../disk/config-file.js';
export { parseJson } from '../formats/json-document.js';
export type { JsonMember, JsonNode } from '../formats/json-document.js';
