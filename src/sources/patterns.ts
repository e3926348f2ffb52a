/** Patterns of paths: `*` is any text, slashes included, and `?` one character, as the hub's own tools read them. */

/** Whether a path fits a pattern. A pattern that ends in a slash is for all below it. */
export function fits(path: string, pattern: string): boolean {
  const wanted = pattern.endsWith('/') ? `${pattern}*` : pattern;
  let [at, next, star, mark] = [0, 0, -1, 0];
  while (at < path.length) {
    if (wanted[next] === '*') {
      star = next++;
      mark = at;
    } else if (next < wanted.length && (wanted[next] === '?' || wanted[next] === path[at])) {
      at++;
      next++;
    } else if (star >= 0) {
      // The last star takes one character more; those before it never have to.
      next = star + 1;
      at = ++mark;
    } else {
      return false;
    }
  }
  while (wanted[next] === '*') next++;
  return next === wanted.length;
}

/** Whether a path is wanted: it fits one of `include`, or there is none; and none of `exclude`. */
export function isWanted(
  path: string,
  { include, exclude }: { include: readonly string[]; exclude: readonly string[] },
): boolean {
  const isIn = include.length === 0 || include.some((pattern) => fits(path, pattern));
  return isIn && !exclude.some((pattern) => fits(path, pattern));
}
