# Completion of ctl, also under the name fleetctl, for fish. The program itself knows what fits.

function __ctl_complete
    set -l words (commandline --tokenize --current-process --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    # Quoted, since nothing at all is a word too.
    command $words[1] complete -- $words[2..-1] "$current" 2>/dev/null
end

for program in ctl fleetctl
    complete --command $program --no-files --arguments '(__ctl_complete)'
end
