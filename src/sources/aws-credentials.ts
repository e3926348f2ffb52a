/**
 * AWS's credentials: those of the environment, or what AWS's own library finds in the places that its tools know:
 * shared files with profiles and roles, SSO, a process, web identity, the container's and the machine's. It is loaded
 * only for these.
 */
import { SluiceError } from '../errors.js';
import { excerpt } from '../http/syntax.js';
import type { SigningKey } from './sigv4.js';
import type { Surroundings } from './source.js';

/** A key that ends is renewed so many milliseconds before that. */
const RENEW_MS = 5 * 60_000;

/** A renewal that failed is tried again after so many milliseconds. */
const AGAIN_MS = 30_000;

/** A key that may end; `renew` gets a new one from where it came. */
interface Found {
  key: SigningKey;
  /** When it ends, in milliseconds since 1970; null for never. */
  endsMs: number | null;
}

/**
 * Gives the key that holds at the moment; null for none anywhere.
 * @throws SluiceError CREDENTIALS_FILE when there is something, and it gives no key
 */
export async function currentKey(around: Surroundings): Promise<(() => SigningKey) | null> {
  const own = ofEnvironment(around);
  if (own !== null) return () => own;
  const find = await finder(around.env);
  let found = await find();
  if (found === null) return null;
  let nextMs = 0;
  return () => {
    const now = Date.now();
    const { key, endsMs } = found as Found;
    if (endsMs !== null && now > endsMs - RENEW_MS && now > nextMs) {
      nextMs = now + AGAIN_MS;
      // Signing does not wait: the key at hand holds for some minutes more, and a refused request is sent again.
      find().then(
        (each) => (found = each ?? found),
        () => undefined,
      );
    }
    return key;
  };
}

/** What the environment itself has beats all else. */
function ofEnvironment({ env }: Surroundings): SigningKey | null {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env;
  if (!id || !secret) return null;
  return { accessKeyId: id, secretAccessKey: secret, sessionToken: token || null };
}

/** What asks AWS's library; each time anew, for it keeps what it has found. */
async function finder(env: Surroundings['env']): Promise<() => Promise<Found | null>> {
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
  const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing, trace: nothing };
  return async () => {
    try {
      const each = await defaultProvider({ logger: silent })();
      const { accessKeyId, secretAccessKey, sessionToken = null, expiration } = each;
      const endsMs = expiration?.getTime() ?? null;
      return { key: { accessKeyId, secretAccessKey, sessionToken }, endsMs };
    } catch (thrown) {
      if (isNothing(thrown) && !env['AWS_PROFILE']) return null;
      throw notFound(thrown, env['AWS_PROFILE']);
    }
  };
}

const nothing = (): void => undefined;

/** The last place had none either, and no place before it had something that failed. */
function isNothing(thrown: unknown): boolean {
  const { name, message } = thrown as Error;
  return (
    name === 'CredentialsProviderError' &&
    message === 'Could not load credentials from any providers'
  );
}

function notFound(thrown: unknown, profile: string | undefined): SluiceError {
  const { message } = thrown as Error;
  const whose = profile ? `the profile ${excerpt(profile)}` : 'the settings of AWS';
  const why = excerpt(message.replace(/\s+/g, ' '));
  return new SluiceError('CREDENTIALS_FILE', `${whose} gave no key for S3: ${why}`, {
    next: `Sign in anew (\`aws sso login${profile ? ` --profile NAME` : ''}\`), or ask without a signature: --s3-anonymous.`,
  });
}
