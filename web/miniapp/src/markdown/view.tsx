import { lexer, type Token, type Tokens } from "marked";
import { Component, type ComponentChildren, type VNode } from "preact";
import { t } from "../i18n";
import { Code } from "./code";
import { inline } from "./inline";

/** Headings of an answer lie below the screen's own. */
const HEADING_OFFSET = 2;

function Heading({ token }: { token: Tokens.Heading }): VNode {
  const Tag = `h${Math.min(6, token.depth + HEADING_OFFSET)}` as "h3";
  return <Tag class={`heading-${Math.min(token.depth, 4)}`}>{inline(token.tokens)}</Tag>;
}

function Item({ item }: { item: Tokens.ListItem }): VNode {
  return (
    <li class={item.task ? "task" : undefined}>
      {item.task && (
        <input type="checkbox" checked={item.checked ?? false} disabled aria-label={t("task")} />
      )}
      {blocks(item.tokens)}
    </li>
  );
}

function List({ token }: { token: Tokens.List }): VNode {
  const items = token.items.map((item, index) => <Item key={index} item={item} />);
  if (!token.ordered) return <ul>{items}</ul>;
  return <ol start={typeof token.start === "number" ? token.start : 1}>{items}</ol>;
}

function Table({ token }: { token: Tokens.Table }): VNode {
  const align = (index: number) => `align-${token.align[index] ?? "left"}`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group, or all tables are landmarks of one name
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section class="table" role="group" tabIndex={0} aria-label={t("table_label")}>
      <table>
        <thead>
          <tr>
            {token.header.map((cell, index) => (
              <th key={index} scope="col" class={align(index)}>
                {inline(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {token.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column} class={align(column)}>
                  {inline(cell.tokens)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function block(token: Token): ComponentChildren {
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "heading":
      return <Heading token={token as Tokens.Heading} />;
    case "paragraph":
      return <p>{inline(token.tokens)}</p>;
    case "code":
      return (
        <Code text={(token as Tokens.Code).text} language={(token as Tokens.Code).lang ?? ""} />
      );
    case "blockquote":
      return <blockquote>{blocks(token.tokens ?? [])}</blockquote>;
    case "list":
      return <List token={token as Tokens.List} />;
    case "table":
      return <Table token={token as Tokens.Table} />;
    case "hr":
      return <hr />;
    case "html":
      return <p>{token.raw.trim()}</p>;
    default:
      return inline([token]);
  }
}

function blocks(tokens: Token[]): ComponentChildren {
  return tokens.map((token, index) => <Block key={index} token={token} />);
}

/** A block is drawn again only when its source has changed: answers grow at their end. */
class Block extends Component<{ token: Token }> {
  override shouldComponentUpdate(next: { token: Token }): boolean {
    return next.token.raw !== this.props.token.raw || next.token.type !== this.props.token.type;
  }

  override render(): ComponentChildren {
    return block(this.props.token);
  }
}

/**
 * Markdown as elements. No HTML is ever made of it, so nothing in an answer can become markup,
 * a script or a request of its own.
 */
export function Markdown({ text }: { text: string }): VNode {
  return <div class="markdown">{blocks(lexer(text, { gfm: true, breaks: true }))}</div>;
}
