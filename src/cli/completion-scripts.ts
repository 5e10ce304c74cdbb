/**
 * What a shell is told once. The scripts know no command and no flag: they ask the program itself, with the words up to the cursor, and
 * get a candidate in each line, with its meaning after a tab. Where it has none, there may be files.
 */

/** What the scripts ask: with the words of a line up to the cursor. None of the commands, since all of its words are somebody else's. */
export const COMPLETE = "__complete";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

// Words are asked of the very program that is on the line, since that need not be the one on the path.
const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# Completion of zmqecho for bash: source <(zmqecho completion bash)
_zmqecho() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("\${COMP_WORDS[0]/#\\~/$HOME}" ${COMPLETE} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _zmqecho zmqecho
`,
  zsh: `#compdef zmqecho
# Completion of zmqecho for zsh: source <(zmqecho completion zsh), after compinit; or as a file _zmqecho in a folder of fpath
_zmqecho() {
  local value meaning
  local -a candidates
  while IFS=$'\\t' read -r value meaning; do
    # _describe wants VALUE:MEANING, or VALUE alone.
    candidates+=("\${value//:/\\\\:}\${meaning:+:$meaning}")
  done < <("\${(Q)words[1]/#\\~/$HOME}" ${COMPLETE} "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#candidates} )); then
    _describe zmqecho candidates
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" == _zmqecho ]]; then
  _zmqecho "$@"
else
  compdef _zmqecho zmqecho
fi
`,
  fish: `# Completion of zmqecho for fish: zmqecho completion fish > ~/.config/fish/completions/zmqecho.fish
function __zmqecho_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l candidates ($words[1] ${COMPLETE} $words[2..-1] "$current" 2>/dev/null)
    if set -q candidates[1]
        printf '%s\\n' $candidates
    else
        __fish_complete_path "$current"
    end
end
complete -c zmqecho -f -a '(__zmqecho_complete)'
`,
};

export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}
