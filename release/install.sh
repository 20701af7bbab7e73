#!/bin/sh
# Installs tailmint from a release: verifies the release's signature and the sum of the
# file first, and then puts the program, its manual pages and its completions where
# `--prefix` says. `--help` has the flags.
#
# For any POSIX shell. Everything is in functions, and the last line calls them as a group:
# of a script that was cut off on its way, nothing runs.
set -eu

releases=https://github.com/tazlab/tailmint/releases

# The public keys that sign releases, written here by release/embed-keys. A copy without
# keys verifies nothing, and says so.
allowed_signers=''
minisign_key=''

usage() {
    cat << 'END'
Installs tailmint from a release, after verifying it.

usage: install.sh [--version VERSION] [--from URL] [--prefix DIR | --to DIR]
                  [--dry-run] [--force] [--no-signature] [--uninstall]

  --version VERSION  this release [default: the latest]
  --from URL         fetch the files from here, or from a local directory
  --prefix DIR       the program goes to DIR/bin, its manual pages and completions to
                     DIR/share [default: ~/.local]
  --to DIR           the program goes to DIR, and nothing else is installed
  --dry-run          say what would be done; change nothing
  --force            replace a newer version, a link, or another program of this name
  --no-signature     do without the signature: those who can change what is downloaded
                     can then change what is installed
  --uninstall        remove what was installed; leave configuration, policy and audit log
  --help             print this
END
}

say() { printf '%s\n' "$*"; }

# What is wrong, what to do, and the exit status.
fail() {
    printf 'error: %s\n' "$1" >&2
    if [ -n "${2:-}" ]; then printf 'hint: %s\n' "$2" >&2; fi
    exit "${3:-1}"
}

have() { command -v "$1" > /dev/null 2>&1; }

# The last words of a program that failed.
last_words() { tail -n 1 "$work/said" | tr -d '\r'; }

# Whatever happens, nothing stays that was not meant to.
clean_up() {
    [ -n "$work" ] || return 0
    if [ -f "$work/new" ]; then
        while IFS= read -r new && IFS= read -r _; do rm -f "$new"; done < "$work/new"
    fi
    # Those that could be filled are not empty, and stay.
    if [ -f "$work/directories" ]; then
        sort -r "$work/directories" | while IFS= read -r made; do
            rmdir "$made" 2> /dev/null || :
        done
    fi
    rm -rf "$work"
    work=''
}

# The name that releases have for this machine.
find_target() {
    system=$(uname -s)
    processor=$(uname -m)
    case $system in
        Linux) platform=unknown-linux-musl ;;
        Darwin)
            platform=apple-darwin
            # A translated shell says x86_64 on an Apple processor.
            if [ "$(sysctl -n sysctl.proc_translated 2> /dev/null || :)" = 1 ]; then
                processor=arm64
            fi
            ;;
        *) fail "there is no tailmint for $system" "it runs on Linux; on Windows, use WSL 2" ;;
    esac
    case $processor in
        x86_64 | amd64) target=x86_64-$platform ;;
        aarch64 | arm64) target=aarch64-$platform ;;
        *) fail "there is no tailmint for this processor: $processor" \
            "build it from its sources, with cargo install" ;;
    esac
}

# Fetches a file of the release to the work directory. Status 44: it is not there.
fetch() {
    case $base in
        http://* | https://*) download "$base/$1" "$work/$1" ;;
        *)
            [ -f "$base/$1" ] || return 44
            cp "$base/$1" "$work/$1" 2> "$work/said" ||
                fail "$base/$1 cannot be copied: $(last_words)" "see the room in ${TMPDIR:-/tmp}"
            ;;
    esac
}

download() {
    if have curl; then
        # Encryption is not given up on the way to where a redirect leads.
        case $1 in
            https://*) protocols='=https' ;;
            *) protocols='=http,https' ;;
        esac
        status=0
        codes=$(curl --silent --show-error --fail --location --proto "$protocols" \
            --retry 2 --connect-timeout 20 --speed-limit 1 --speed-time 60 \
            --write-out 'HTTP/1.1 %{http_code} HTTP/1.1 %{http_connect} ' \
            --output "$2" "$1" 2> "$work/said") || status=$?
    elif have wget; then
        # What others call wget knows few flags.
        flags=''
        if wget --version 2> /dev/null | grep -q 'GNU Wget'; then
            flags='--no-verbose --tries=3 --waitretry=1 --timeout=60'
        fi
        status=0
        # shellcheck disable=SC2086 # flags
        wget $flags -O "$2" "$1" > "$work/said" 2>&1 || status=$?
        codes=$(cat "$work/said")
    else
        fail "there is neither curl nor wget to download with" \
            "install one of them, or download the files elsewhere and use --from DIR"
    fi
    [ "$status" -ne 0 ] || return 0
    case $codes in
        *"HTTP/1."?" 404 "* | *"ERROR 404"*) return 44 ;;
        *"HTTP/1."?" 407 "* | *"ERROR 407"* | *"Proxy Authentication Required"*)
            fail "the proxy asks for a name and a password (407): $1 was not downloaded" \
                "put them into https_proxy, as http://NAME:PASSWORD@PROXY:PORT, or download the files elsewhere and use --from DIR"
            ;;
    esac
    fail "$1 was not downloaded: $(last_words)" \
        "see the network and the room in ${TMPDIR:-/tmp}, then try again"
}

knows_ssh_signatures() {
    have ssh-keygen || return 1
    case $(ssh-keygen -Y verify 2>&1 < /dev/null) in
        *"nknown option"* | *"llegal option"* | *"invalid option"*) return 1 ;;
    esac
}

verify_signature() {
    if [ "$signature" = no ]; then
        say "The signature is not verified, as --no-signature says."
        return
    fi
    tampered="do not use these files: somebody may have changed them"
    [ -n "$allowed_signers$minisign_key" ] ||
        fail "this copy of install.sh carries no key to verify releases with" \
            "take install.sh from a release, at $releases"
    if [ -n "$allowed_signers" ] && knows_ssh_signatures; then
        fetch SHA256SUMS.sig || fail "there is no SHA256SUMS.sig at $base" "$tampered"
        printf '%s\n' "$allowed_signers" > "$work/allowed_signers"
        ssh-keygen -Y verify -f "$work/allowed_signers" -I releases@tailmint -n file \
            -s "$work/SHA256SUMS.sig" < "$work/SHA256SUMS" > "$work/said" 2>&1 ||
            fail "the signature of $base/SHA256SUMS is wrong: $(last_words)" "$tampered"
        say "The signature is good (ssh-keygen)."
    elif [ -n "$minisign_key" ] && have minisign; then
        fetch SHA256SUMS.minisig || fail "there is no SHA256SUMS.minisig at $base" "$tampered"
        minisign -V -q -P "$minisign_key" -m "$work/SHA256SUMS" \
            -x "$work/SHA256SUMS.minisig" > "$work/said" 2>&1 ||
            fail "the signature of $base/SHA256SUMS is wrong: $(last_words)" "$tampered"
        say "The signature is good (minisign)."
    else
        fail "there is neither ssh-keygen (of OpenSSH 8.2 or later) nor minisign to verify the signature with" \
            "install openssh-client or minisign; --no-signature does without"
    fi
}

# A version as releases have it, which is safe in the name of a file.
is_version() {
    case $1 in
        *[!0-9A-Za-z.+-]*) return 1 ;;
        [0-9]*.[0-9]*.[0-9]*) return 0 ;;
    esac
    return 1
}

# Reads the file for this machine, its sum and its version from the list, which is signed.
read_list() {
    archive='' sum=''
    while read -r listed_sum name; do
        name=${name#\*}
        case $name in
            tailmint-*-"$target".tar.xz)
                [ -z "$archive" ] || fail "$base/SHA256SUMS names two files for $target"
                archive=$name sum=$listed_sum
                ;;
        esac
    done < "$work/SHA256SUMS"
    [ -n "$archive" ] ||
        fail "the release at $base has no file for $target" \
            "build it from its sources, with cargo install"
    found=${archive#tailmint-}
    found=${found%-"$target".tar.xz}
    is_version "$found" || fail "$base/SHA256SUMS names a file without a version: $archive"
    [ -z "$version" ] || [ "$version" = "$found" ] ||
        fail "the release at $base is $found, not $version" "name the right one with --version"
    version=$found
}

verify_sum() {
    if have sha256sum; then
        seen=$(sha256sum < "$work/$archive")
    elif have shasum; then
        seen=$(shasum -a 256 < "$work/$archive")
    elif have openssl; then
        seen=$(openssl dgst -sha256 -r < "$work/$archive")
    else
        fail "there is no sha256sum, shasum or openssl to verify the file with" "install one of them"
    fi
    [ "${seen%% *}" = "$sum" ] ||
        fail "$archive is not the file that the release names: its SHA-256 is ${seen%% *}, not $sum" \
            "the download was cut off, or somebody changed the file; try again"
}

unpack() {
    if have xz; then
        xz -dc < "$work/$archive" > "$work/archive.tar" 2> "$work/said" ||
            fail "$archive cannot be unpacked: $(last_words)" "see the room in ${TMPDIR:-/tmp}"
        tar -xof "$work/archive.tar" -C "$work" 2> "$work/said" ||
            fail "$archive cannot be unpacked: $(last_words)" "see the room in ${TMPDIR:-/tmp}"
    else
        # BusyBox and macOS unpack it themselves.
        tar -xoJf "$work/$archive" -C "$work" 2> "$work/said" ||
            fail "$archive cannot be unpacked: $(last_words)" "install xz (xz-utils), which tar needs for it"
    fi
    stage=$work/${archive%.tar.xz}
    [ -f "$stage/bin/tailmint" ] || fail "$archive has no bin/tailmint"
}

# Whether the first version is newer than the second, by the rules of semver.org.
is_newer() {
    first=${1%%+*} second=${2%%+*}
    first_core=${first%%-*} second_core=${second%%-*}
    for _ in major minor patch; do
        is_greater "${first_core%%.*}" "${second_core%%.*}" && return 0
        is_greater "${second_core%%.*}" "${first_core%%.*}" && return 1
        first_core=${first_core#*.} second_core=${second_core#*.}
    done
    case $first in *-*) first=${first#*-}. ;; *) first='' ;; esac
    case $second in *-*) second=${second#*-}. ;; *) second='' ;; esac
    # A release is newer than what came before it.
    [ -n "$second" ] || return 1
    [ -n "$first" ] || return 0
    while [ -n "$first" ] && [ -n "$second" ]; do
        is_greater "${first%%.*}" "${second%%.*}" && return 0
        is_greater "${second%%.*}" "${first%%.*}" && return 1
        first=${first#*.} second=${second#*.}
    done
    [ -n "$first" ]
}

# Numbers as numbers, words as words, and numbers before words.
is_greater() {
    case $1$2 in
        *[!0-9]*)
            case $1 in *[!0-9]*) ;; *) return 1 ;; esac
            case $2 in *[!0-9]*) ;; *) return 0 ;; esac
            # The X keeps expr from taking a word for an operator.
            LC_ALL=C expr "X$1" \> "X$2" > /dev/null
            ;;
        *) [ "$1" -gt "$2" ] ;;
    esac
}

# What is there says that it is tailmint; with its version.
judge_program() {
    there=$("$program" --version 2> /dev/null) || there=''
    case $there in
        "tailmint "*) there=${there#tailmint } ;;
        *) fail "$program is there, and does not say that it is tailmint" "$1" ;;
    esac
}

# What is there already may be replaced.
judge_existing() {
    if [ -d "$program" ]; then
        fail "$program is a directory" "name another place with --prefix or --to"
    fi
    if [ ! -e "$program" ] && [ ! -L "$program" ]; then return; fi
    if [ "$force" = yes ]; then return; fi
    if [ -L "$program" ]; then
        fail "$program is a link, which another installer has probably created" \
            "remove it with that one (pipx uninstall tailmint, uv tool uninstall tailmint), or use --force"
    fi
    judge_program "move it away, or replace it with --force"
    if is_version "$there" && is_newer "$there" "$version"; then
        fail "$program is tailmint $there, which is newer than $version" \
            "to go back to $version, use --force"
    fi
}

make_directory() {
    if [ -d "$1" ]; then return; fi
    make_directory "$(dirname "$1")"
    if mkdir "$1" 2> "$work/said"; then
        printf '%s\n' "$1" >> "$work/directories"
    elif [ ! -d "$1" ]; then # another installation may have been faster
        fail "$1 cannot be created: $(last_words)" "$elsewhere"
    fi
}

# Writes a file beside the place where it belongs, which `commit` moves it to.
put() {
    directory=$(dirname "$2")
    make_directory "$directory"
    if [ -d "$2" ]; then fail "$2 is a directory" "$elsewhere"; fi
    # By a name that nobody can have guessed: a link of somebody else would be followed.
    new=$(mktemp "$directory/.tailmint-new-XXXXXX" 2> "$work/said") ||
        fail "$2 cannot be written: $(last_words)" "$elsewhere"
    printf '%s\n%s\n' "$new" "$2" >> "$work/new"
    { cp "$1" "$new" && chmod "$3" "$new"; } 2> "$work/said" ||
        fail "$2 cannot be written: $(last_words)" "$elsewhere"
}

# Moves the new files to their places: the program last, so that it is never there
# without what belongs to it.
commit() {
    # A signal would leave files of two versions.
    trap '' HUP INT TERM
    while IFS= read -r new && IFS= read -r final; do
        mv -f "$new" "$final" 2> "$work/said" ||
            fail "$final cannot be replaced: $(last_words)" "$elsewhere"
    done < "$work/new"
    rm -f "$work/new" "$work/directories"
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

install_release() {
    find_target
    case $from in
        '' | https://*) ;;
        http://*)
            # Over such a connection the sum is no better than the file.
            [ "$signature" = yes ] ||
                fail "--no-signature does not go with a URL that is not encrypted: $from" \
                    "use https://, or leave --no-signature out" 2
            ;;
        file://*) from=${from#file://} ;;
        *://*) fail "not a URL to fetch from: $from" "give one with https://, or a directory" 2 ;;
    esac
    case $from in
        '' | http://* | https://*) ;;
        *) [ -d "$from" ] || fail "$from is not a directory" "give a URL or a directory to --from" 2 ;;
    esac
    if [ -n "$from" ]; then
        base=${from%/}
    elif [ -n "$version" ]; then
        base=$releases/download/v$version
    else
        base=$releases/latest/download
    fi
    fetch SHA256SUMS ||
        fail "there is no release at $base: SHA256SUMS was not found" \
            "see the releases at $releases"
    verify_signature
    read_list
    judge_existing
    if [ "$dry_run" = yes ]; then
        say "Would fetch $archive from $base and verify that its SHA-256 is $sum."
        say "Would install tailmint $version as $program."
        [ -z "$share" ] || say "Would install its manual pages and completions in $share."
        return
    fi
    # What is latest may have changed since the list was fetched.
    if [ -z "$from" ]; then base=$releases/download/v$version; fi
    fetch "$archive" || fail "$base/$archive was not found" "see the releases at $releases"
    verify_sum
    say "The file is the one that the release names."
    unpack

    if [ -n "$share" ]; then
        for page in "$stage"/man/*.1; do
            put "$page" "$share/man/man1/$(basename "$page")" 644
        done
        put "$stage/completions/tailmint.bash" "$share/bash-completion/completions/tailmint" 644
        put "$stage/completions/tailmint.fish" "$share/fish/vendor_completions.d/tailmint.fish" 644
        put "$stage/completions/_tailmint" "$share/zsh/site-functions/_tailmint" 644
    fi
    put "$stage/bin/tailmint" "$program" 755
    # From where it will be, not from a directory that may not be for programs.
    runs=$("$new" --version 2> "$work/said") || runs=''
    [ "$runs" = "tailmint $version" ] ||
        fail "the program does not run in $(dirname "$program"): $(last_words)" \
            "see whether programs may be run there (mount option noexec), or $elsewhere"
    commit
    # Pages of commands that an older version had.
    for page in "$share"/man/man1/tailmint-*.1; do
        if [ -n "$share" ] && [ -f "$page" ] && [ ! -f "$stage/man/$(basename "$page")" ]; then
            rm -f "$page"
        fi
    done
    say "tailmint $version is installed: $program"
    hint_at_path
}

hint_at_path() {
    directory=$(dirname "$program")
    case :$PATH: in
        *:"$directory":*)
            first=$(command -v tailmint || :)
            if [ -n "$first" ] && [ "$first" != "$program" ]; then
                say "Your shell finds another one first: $first"
            fi
            ;;
        *)
            say "$directory is not in PATH. Add it in your shell's profile:"
            say "    export PATH=\"$directory:\$PATH\""
            ;;
    esac
}

uninstall() {
    if [ -L "$program" ] && [ "$force" = no ]; then
        fail "$program is a link, which another installer has probably created" \
            "remove it with that one, or use --force"
    fi
    if [ -e "$program" ] && [ "$force" = no ]; then
        judge_program "remove it by hand, or use --force"
    fi
    removed=0
    set -- "$program"
    if [ -n "$share" ]; then
        set -- "$@" "$share"/man/man1/tailmint.1 "$share"/man/man1/tailmint-*.1 \
            "$share/bash-completion/completions/tailmint" \
            "$share/fish/vendor_completions.d/tailmint.fish" \
            "$share/zsh/site-functions/_tailmint"
    fi
    for file in "$@"; do
        if [ ! -f "$file" ] && [ ! -L "$file" ]; then continue; fi
        if [ "$dry_run" = yes ]; then
            say "Would remove $file."
        else
            rm -f "$file" 2> "$work/said" || fail "$file cannot be removed: $(last_words)" "$elsewhere"
        fi
        removed=$((removed + 1))
    done
    if [ "$removed" -eq 0 ]; then
        say "tailmint is not installed: there is no $program"
    elif [ "$dry_run" = no ]; then
        say "tailmint is uninstalled: $removed files are removed."
        say "Its configuration, its policy and its audit log are left where they are."
    fi
}

main() {
    version='' from='' prefix='' to=''
    dry_run=no force=no signature=yes action=install_release
    while [ $# -gt 0 ]; do
        case $1 in
            --version | --from | --prefix | --to)
                [ -n "${2:-}" ] || fail "$1 needs a value" "see --help" 2
                case $1 in
                    --version) version=${2#v} ;;
                    --from) from=$2 ;;
                    --prefix) prefix=$2 ;;
                    --to) to=$2 ;;
                esac
                shift
                ;;
            --dry-run) dry_run=yes ;;
            --force) force=yes ;;
            --no-signature) signature=no ;;
            --uninstall) action=uninstall ;;
            --help | -h)
                usage
                return
                ;;
            *) fail "there is no such flag: $1" "see --help" 2 ;;
        esac
        shift
    done
    [ -z "$version" ] || is_version "$version" || fail "not a version: $version" "give one such as 0.1.0" 2
    [ -z "$prefix" ] || [ -z "$to" ] || fail "--prefix and --to do not go together" "give one of them" 2
    case $prefix$to in
        *'
'*) fail "a line break in the name of a directory" "name another" 2 ;;
    esac

    # What others are to run and read, whatever the mask of who installs it.
    umask 022
    elsewhere="name a directory that you may write to, on a disk with room, with --prefix or --to"
    if [ -n "$to" ]; then
        share=''
    else
        if [ -z "$prefix" ]; then
            [ -n "${HOME:-}" ] || fail "HOME is not set" "name a directory with --prefix" 2
            prefix=$HOME/.local
        fi
        to=${prefix%/}/bin
        share=${prefix%/}/share
    fi
    # As PATH would have it.
    case $to in
        /*) ;;
        *)
            to=$PWD/$to
            share=${share:+$PWD/$share}
            ;;
    esac
    program=${to%/}/tailmint

    work=''
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    work=$(mktemp -d 2> /dev/null) ||
        fail "no directory can be created in ${TMPDIR:-/tmp}" "set TMPDIR to one with room"
    : > "$work/said" || fail "nothing can be written to $work" "set TMPDIR to a directory with room"
    "$action"
}

{ main "$@"; }
