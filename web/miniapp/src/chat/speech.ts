/** A piece of an answer is read out at most this often, in milliseconds. */
const EVERY = 1800;

/**
 * Cuts a growing answer into pieces that a screen reader can say: whole sentences or lines, and
 * not every token.
 */
export class Announcer {
  private said = 0;
  private last = Number.NEGATIVE_INFINITY;

  /** The next piece to say, or an empty text. */
  next(text: string, now: number, ended: boolean): string {
    if (this.said > text.length) this.said = 0;
    if (!ended && now - this.last < EVERY) return "";
    const rest = text.slice(this.said);
    const length = ended ? rest.length : sentenceEnd(rest);
    if (length === 0) return "";
    this.said += length;
    this.last = now;
    return plain(rest.slice(0, length));
  }
}

function sentenceEnd(text: string): number {
  let end = 0;
  for (const match of text.matchAll(/[.!?…:;](?=\s)|\n/g)) end = (match.index ?? 0) + 1;
  return end;
}

function plain(markdown: string): string {
  return markdown
    .replace(/[*_`#>|~]+/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}
