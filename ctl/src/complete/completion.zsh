#compdef ctl fleetctl
# Completion of ctl, also under the name fleetctl, for zsh. The program itself knows what fits.

_ctl() {
    local line word about
    local -a whole whole_about part
    for line in "${(@f)$(${~words[1]} complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        word=${line%%$'\t'*}
        about=${line#*$'\t'}
        [[ -z $word ]] && continue
        if [[ $word == */ ]]; then
            # A folder is not yet a whole word.
            part+=("$word")
        else
            whole+=("$word")
            whole_about+=("$word${about:+  -- $about}")
        fi
    done
    local -a show
    # Descriptions only where there are any: they take a line each.
    [[ ${(j::)whole_about} != ${(j::)whole} ]] && show=(-l -d whole_about)
    compadd "${show[@]}" -a whole
    compadd -S '' -a part
}

if [[ ${funcstack[1]} == _ctl ]]; then
    _ctl
elif (( $+functions[compdef] )); then
    compdef _ctl ctl fleetctl
else
    print -u2 'completion of ctl: run compinit first'
fi
