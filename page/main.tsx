/** The page of a host: mounted here, and told of each change. */
import { render } from "preact";
import { App } from "./app.tsx";
import { followHost } from "./live.ts";
import { takeTokenFromAddress } from "./token.ts";

takeTokenFromAddress();
const root = document.getElementById("app");
if (root !== null) followHost((live) => render(<App live={live} />, root));
