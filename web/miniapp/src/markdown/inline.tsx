import type { Token, Tokens } from "marked";
import type { ComponentChildren, VNode } from "preact";
import { open } from "../platform/telegram";
import { decodeEntities, safeHref } from "./links";

function follow(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement;
  if (!/^https?:/.test(link.href)) return;
  event.preventDefault();
  open(link.href);
}

function Link({ href, children }: { href: string; children: ComponentChildren }): VNode {
  const safe = safeHref(href);
  if (!safe) return <>{children}</>;
  return (
    <a href={safe} target="_blank" rel="noopener noreferrer" onClick={follow}>
      {children}
    </a>
  );
}

function inlineToken(token: Token): ComponentChildren {
  switch (token.type) {
    case "strong":
      return <strong>{inline(token.tokens)}</strong>;
    case "em":
      return <em>{inline(token.tokens)}</em>;
    case "del":
      return <del>{inline(token.tokens)}</del>;
    case "codespan":
      return <code>{(token as Tokens.Codespan).text}</code>;
    case "br":
      return <br />;
    case "link":
      return <Link href={(token as Tokens.Link).href}>{inline(token.tokens)}</Link>;
    case "image":
      // Never loaded: a picture's address would tell its server who reads the answer.
      return <Link href={(token as Tokens.Image).href}>{(token as Tokens.Image).text || "…"}</Link>;
    case "text":
      return token.tokens ? inline(token.tokens) : decodeEntities((token as Tokens.Text).text);
    case "escape":
      return (token as Tokens.Escape).text;
    case "checkbox":
      return null;
    default:
      return token.raw;
  }
}

/** Inline parts of Markdown; HTML in it is shown as the text that it is. */
export function inline(tokens: Token[] | undefined): ComponentChildren {
  return (tokens ?? []).map((token) => inlineToken(token));
}
