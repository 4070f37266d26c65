# Turns the NPU on for the Python scripts that are run from this shell:
#     source settings.sh [NPU_CONFIG|LIST|FLIST]      bash, zsh
#     VAISW_NPU=NPU_CONFIG; . settings.sh             dash, where a sourced file has no arguments
# A bash or zsh script that was given arguments names the configuration: without one, a sourced file sees the script's.
# LIST prints the names of the NPU configurations, FLIST their figures too.
calotype_folder=''  # this file's, written by `calotype settings` for shells that do not tell it

calotype_settings() {
    # The command beside this environment's Python, or that of a build folder, or any.
    for calotype_command in "$calotype_folder/../../../../bin/calotype" "$calotype_folder/../../calotype" calotype; do
        command -v "$calotype_command" >/dev/null 2>&1 && break
    done
    case "${1-}" in
    LIST) "$calotype_command" npu | sed -n 's/^\([^ ][^ ]*\).*/\1/p' ;;
    FLIST) for calotype_name in $("$calotype_command" npu | sed -n 's/^\([^ ][^ ]*\).*/\1/p'); do
            [ "$calotype_name" = none ] || "$calotype_command" npu "$calotype_name" && echo
        done ;;
    *)
        calotype_name=${1:-${VAISW_NPU:-VE2802_NPU_IP_O00_A304_M3}}
        if [ "$calotype_name" != none ]; then
            "$calotype_command" npu "$calotype_name" >/dev/null || return 1
        fi
        export VAISW_NPU="$calotype_name"
        case ":${PYTHONPATH-}:" in
        *":$calotype_folder/hook/site:"*) ;;
        *) export PYTHONPATH="$calotype_folder/hook/site${PYTHONPATH:+:$PYTHONPATH}" ;;
        esac ;;
    esac
}

calotype_sourced=yes
if [ -n "${BASH_VERSION-}" ]; then
    # shellcheck disable=SC3028,SC3054
    [ "${BASH_SOURCE[0]}" != "$0" ] || calotype_sourced=
    calotype_folder=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
elif [ -n "${ZSH_VERSION-}" ]; then
    case "${ZSH_EVAL_CONTEXT-}" in *:file*) ;; *) calotype_sourced= ;; esac
    eval 'calotype_folder=${${(%):-%x}:A:h}'
else
    case "$0" in *settings.sh) calotype_sourced= ;; esac
    [ -n "$calotype_folder" ] || calotype_folder=$(calotype settings) && calotype_folder=${calotype_folder%/settings.sh}
fi
if [ -z "$calotype_sourced" ]; then
    echo "settings.sh sets variables of your shell, so it has to be sourced: source $0" >&2
    exit 1
fi
if [ -n "${BASH_VERSION-}${ZSH_VERSION-}" ]; then
    calotype_settings "$@"
else
    calotype_settings  # "$@" are those of the shell itself
fi
