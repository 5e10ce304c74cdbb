/** The code of an outcome, which may end a line after each of its words. */
export function CodeName({ code }: { readonly code: string }) {
  return (
    <span class={code === "ok" ? "code ok" : "code failed"}>
      {code.split("_").map((word, index) => (
        <>
          {index > 0 && (
            <>
              _<wbr />
            </>
          )}
          {word}
        </>
      ))}
    </span>
  );
}
