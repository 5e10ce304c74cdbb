/** The page of a host: mounted here, and told of each change. */
import { render } from "preact";
import { App } from "./app.tsx";
import { followHost } from "./live.ts";
import { takeTokenFromAddress } from "./token.ts";

takeTokenFromAddress();
// Before views look at it: a link that is opened where the page is open already loads nothing anew.
addEventListener("hashchange", takeTokenFromAddress);
const root = document.getElementById("app");
if (root !== null) followHost((live) => render(<App live={live} />, root));
