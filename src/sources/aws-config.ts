/** Keys and region from the environment and from the files of AWS's own tools. */
import type { SigningKey } from './sigv4.js';
import type { Surroundings } from './source.js';

/** The key of the environment, else that of the profile (`AWS_PROFILE`, or `default`); null for none. */
export function signingKey({ env, read }: Surroundings): SigningKey | null {
  const profile = env['AWS_PROFILE'] ?? 'default';
  const ofFile = (): Map<string, string> =>
    section(read(env['AWS_SHARED_CREDENTIALS_FILE'] ?? '~/.aws/credentials'), profile);
  const values =
    env['AWS_ACCESS_KEY_ID'] === undefined
      ? new Map([...configured({ env, read }), ...ofFile()])
      : new Map(
          ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'].map((name) => [
            name,
            env[name.toUpperCase()] ?? '',
          ]),
        );
  const accessKeyId = values.get('aws_access_key_id') ?? '';
  const secretAccessKey = values.get('aws_secret_access_key') ?? '';
  if (accessKeyId === '' || secretAccessKey === '') return null;
  return { accessKeyId, secretAccessKey, sessionToken: values.get('aws_session_token') || null };
}

/** The region of the environment, else of the profile, else the one that AWS takes. */
export function region({ env, read }: Pick<Surroundings, 'env' | 'read'>): string {
  const given = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'];
  return given ?? configured({ env, read }).get('region') ?? 'us-east-1';
}

function configured({ env, read }: Pick<Surroundings, 'env' | 'read'>): Map<string, string> {
  const profile = env['AWS_PROFILE'] ?? 'default';
  const name = profile === 'default' ? profile : `profile ${profile}`;
  return section(read(env['AWS_CONFIG_FILE'] ?? '~/.aws/config'), name);
}

/** The values of a section of a file of sections. */
function section(text: string | null, wanted: string): Map<string, string> {
  const values = new Map<string, string>();
  let isWanted = false;
  for (const line of (text ?? '').split('\n')) {
    const trimmed = line.trim();
    if (trimmed.startsWith('[')) isWanted = trimmed === `[${wanted}]`;
    const equals = trimmed.indexOf('=');
    if (!isWanted || equals < 1 || /^[#;]/.test(trimmed)) continue;
    values.set(trimmed.slice(0, equals).trim().toLowerCase(), trimmed.slice(equals + 1).trim());
  }
  return values;
}
