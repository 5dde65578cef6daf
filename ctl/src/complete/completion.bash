# Completion of ctl, also under the name fleetctl, for bash. The program itself knows what fits.

_ctl_complete() {
    local line=${COMP_LINE:0:COMP_POINT} current breaks kept word
    local -a words
    # bash has cut the line at = : and @ as well, which stand in flags and in names of units.
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    current=${words[${#words[@]} - 1]}
    breaks=${COMP_WORDBREAKS//[!=:@]/}
    kept=
    # What stands before the last of them is not replaced. An @ is: it belongs to the word it begins.
    [[ -n $breaks ]] && kept=${current%"${current##*[$breaks]}"}
    kept=${kept%@}
    COMPREPLY=()
    while IFS=$'\t' read -r word _; do
        COMPREPLY+=("${word#"$kept"}")
    done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
    # A folder is not yet a whole word.
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
    return 0
}

complete -F _ctl_complete ctl fleetctl
