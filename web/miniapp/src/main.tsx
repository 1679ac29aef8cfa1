import { render } from "preact";
import { App } from "./app";
import { paintEarly } from "./platform/telegram";
import { boot } from "./state/app";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/chat.css";
import "./styles/markdown.css";
import "./styles/screens.css";

const root = document.getElementById("app");
if (root) {
  paintEarly();
  render(<App />, root);
  void boot();
}
