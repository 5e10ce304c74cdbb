/** The token for calls: from the link in the host's log, out of the address at once, and kept as long as this tab. */

const KEY = "zmqecho token";

/** To be called before anything else looks at the address. */
export function takeTokenFromAddress(): void {
  const token = /^#token=([\w-]+)$/.exec(location.hash)?.[1];
  if (token === undefined) return;
  keepToken(token);
  history.replaceState(null, "", location.pathname);
}

export function tokenOf(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined;
}

export function keepToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
}
