/** What a text of the configuration must be, by the same rules as the flag of its name. */
import { parseOverride } from '../../app/addresses.js';
import { parsePins } from '../../app/pins.js';
import { readProxy } from '../../app/proxies.js';
import { splitUser } from '../../app/users.js';
import { parseHeaderFlag } from '../../http/request.js';
import {
  parseConnections,
  parseLowSpeed,
  parseMaxTime,
  parseRate,
  parseSize,
  parseTime,
} from '../options.js';
import type { FlagKey } from './keys.js';

const CHECKS: Partial<Record<FlagKey, (text: string, label: string) => unknown>> = {
  connections: parseConnections,
  'limit-rate': parseRate,
  window: parseSize,
  header: parseHeaderFlag,
  'user-agent': (text) => parseHeaderFlag(`User-Agent: ${text}`),
  referer: (text) => parseHeaderFlag(`Referer: ${text}`),
  user: splitUser,
  'pinned-sha256': (text) => parsePins([text]),
  resolve: parseOverride,
  proxy: (text, from) => text === '' || readProxy({ text, from }),
  'connect-timeout': parseTime,
  'stall-timeout': parseTime,
  'max-time': parseMaxTime,
  'low-speed': parseLowSpeed,
};

/** @throws SluiceError USAGE, whose message names the key as a flag */
export function checkText(key: FlagKey, text: string): void {
  CHECKS[key]?.(text, `--${key}`);
}
