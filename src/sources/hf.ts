/** `hf://owner/repo[@revision][/path]`: files of the hub of Hugging Face, or of another one (`HF_ENDPOINT`). */
import { SluiceError } from '../errors.js';
import { safePart } from '../http/names.js';
import { excerpt } from '../http/syntax.js';
import { MAX_FILES } from './listing.js';
import { isWanted } from './patterns.js';
import type { SourceFile, SourceKind, Surroundings, Wanted } from './source.js';

/** What `hf://` names. */
interface Reference {
  /** `models`, `datasets` or `spaces`. */
  kind: string;
  repo: string;
  revision: string;
  /** Of the file, percent-encoded; null for the whole repository. */
  path: string | null;
}

export const hf: SourceKind = {
  scheme: 'hf',

  bearerFor(url, around) {
    if (url.origin !== endpoint(around).origin) return null;
    const { env } = around;
    const home = env['HF_HOME'] ?? '~/.cache/huggingface';
    const token =
      env['HF_TOKEN'] ??
      env['HUGGING_FACE_HUB_TOKEN'] ??
      around.read(env['HF_TOKEN_PATH'] ?? `${home}/token`) ??
      '';
    return token.trim() === '' ? null : token.trim();
  },

  async files(text, wanted, around) {
    const reference = parse(text);
    const base = endpoint(around);
    if (reference.path !== null)
      return [{ url: urlOf(base, reference, reference.path), path: null }];
    const { kind, repo, revision } = reference;
    const listing = `${base.href}api/${kind}/${repo}/revision/${encodeURIComponent(revision)}`;
    return filesOf(await around.fetch(listing), reference, wanted, base);
  },
};

function endpoint({ env }: Surroundings): URL {
  const text = env['HF_ENDPOINT'] ?? '';
  try {
    const url = new URL(text === '' ? 'https://huggingface.co' : text);
    if (!url.pathname.endsWith('/')) url.pathname += '/';
    if (/^https?:$/.test(url.protocol)) return url;
  } catch {
    // Told below.
  }
  throw new SluiceError('USAGE', `HF_ENDPOINT is not a URL: ${excerpt(text)}`, {
    next: 'Unset it, or write it as https://huggingface.co.',
  });
}

/** @throws SluiceError URL_INVALID */
function parse(text: string): Reference {
  const [, kind = 'models', repo = '', revision = 'main', path] =
    /^hf:\/\/(?:(models|datasets|spaces)\/)?([\w.-]+\/[\w.-]+)(?:@([^/?#]+))?(?:\/([^?#]*))?$/i.exec(
      text.trim(),
    ) ?? [];
  const isDots = repo.split('/').some((part) => /^\.+$/.test(part));
  if (repo === '' || isDots)
    throw new SluiceError('URL_INVALID', 'this is not a reference to the hub', {
      next: 'Write hf://OWNER/REPO/PATH, hf://OWNER/REPO@REVISION/PATH, hf://datasets/OWNER/REPO/PATH, or no PATH for all of its files.',
    });
  const isFile = path !== undefined && path !== '';
  return {
    kind: kind.toLowerCase(),
    repo,
    revision: decoded(revision),
    path: isFile
      ? path
          .split('/')
          .map((part) => encodeURIComponent(decoded(part)))
          .join('/')
      : null,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function urlOf(base: URL, { kind, repo, revision }: Reference, path: string): string {
  const prefix = kind === 'models' ? '' : `${kind}/`;
  return `${base.href}${prefix}${repo}/resolve/${encodeURIComponent(revision)}/${path}`;
}

/** The hub is a stranger: what it lists may not leave the directory. */
function filesOf(text: string, reference: Reference, wanted: Wanted, base: URL): SourceFile[] {
  let names: unknown[];
  try {
    const { siblings } = JSON.parse(text) as { siblings?: Array<{ rfilename?: unknown }> };
    names = (siblings ?? []).map((each) => each.rfilename);
  } catch {
    throw broken('the hub listed the repository in a form that is not known');
  }
  if (names.length > MAX_FILES) throw broken(`the repository has more than ${MAX_FILES} files`);
  const files: SourceFile[] = [];
  for (const name of names) {
    if (typeof name !== 'string' || !isWanted(name, wanted)) continue;
    const parts = name.split('/');
    if (parts.some((part) => safePart(part) !== part))
      throw broken(`the repository has a file whose name cannot be used: ${excerpt(name)}`);
    const path = parts.map((part) => encodeURIComponent(part)).join('/');
    files.push({ url: urlOf(base, reference, path), path: parts });
  }
  if (files.length > 0) return files;
  const which = names.length === 0 ? 'no files' : 'no file that --include and --exclude leave';
  throw new SluiceError('USAGE', `${reference.repo} has ${which}`, {
    next: `Look at what it has: ${base.href}${reference.repo}/tree/${encodeURIComponent(reference.revision)}`,
  });
}

function broken(message: string): SluiceError {
  return new SluiceError('HTTP_UNEXPECTED', message, {
    next: 'Name its files one by one: hf://OWNER/REPO/PATH; or choose some with --include.',
  });
}
