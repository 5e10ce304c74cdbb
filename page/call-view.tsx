/** The form to call a handler, and what came of it. */
import { useEffect, useState } from "preact/hooks";
import type { PageCall } from "../src/wire/page.ts";
import { makeCall, NotCalled } from "./ask.ts";
import { CallForm } from "./call-form.tsx";
import { CallResult, type Result } from "./call-result.tsx";
import type { Live } from "./live.ts";
import { forgetToken, keepToken, tokenOf } from "./token.ts";

export function CallView({ live: { setup } }: { readonly live: Live }) {
  const [token, setToken] = useState(tokenOf);
  const [result, setResult] = useState<Result>();
  useEffect(() => {
    // A link with a token may be opened while this is here: main.tsx takes it from the address before.
    const look = () => setToken(tokenOf());
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  if (setup === undefined) return <p class="empty">Waiting for the host…</p>;
  if (setup.endpoints.length === 0) return <p class="empty">No endpoint is open.</p>;

  async function call(asked: PageCall): Promise<void> {
    if (token === undefined) return;
    setResult("under way");
    try {
      setResult(await makeCall(asked, token));
    } catch (error) {
      const { status, message } = error instanceof NotCalled ? error : new NotCalled(0, String(error));
      if (status === 401) {
        forgetToken();
        setToken(undefined);
      }
      setResult({ refusal: message });
    }
  }

  return (
    <>
      {token === undefined && (
        <TokenForm
          onToken={(given) => {
            keepToken(given);
            setToken(given);
            setResult(undefined);
          }}
        />
      )}
      <div class="call">
        <CallForm setup={setup} isAllowed={token !== undefined} isUnderWay={result === "under way"} onCall={call} />
        <CallResult result={result} />
      </div>
    </>
  );
}

function TokenForm({ onToken }: { readonly onToken: (token: string) => void }) {
  const [text, setText] = useState("");
  return (
    <form
      class="notice token"
      onSubmit={(event) => {
        event.preventDefault();
        // The whole link will do.
        onToken(text.trim().replace(/^.*#token=/, ""));
      }}
    >
      <p>Calling needs the token of the link that the host wrote into its log when it started.</p>
      <label>
        Token or link{" "}
        <input
          type="password"
          autocomplete="off"
          required
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>{" "}
      <button type="submit">Use it</button>
    </form>
  );
}
