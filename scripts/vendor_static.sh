#!/usr/bin/env bash
# Refresh portal/static/vendor: the styles, scripts and icons of others that the pages load.
# Needed only to change a version or add an icon (needs npm); what it makes is committed.
set -euo pipefail

root="$(cd "$(dirname "$0")/.." && pwd)"
vendor="$root/portal/static/vendor"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"

# fetch NAME@VERSION SHA256 FILE...: pack, check what came, keep the files.
fetch() {
    local package="$1" expected="$2" tarball
    shift 2
    tarball="$(npm pack --silent "$package")"
    echo "$expected  $tarball" | sha256sum --check --quiet
    tar -xzf "$tarball" "${@/#/package/}"
    echo "$package"
}

keep() { # keep FILE NAME: without the pointer to a source map, which is not kept
    sed -e '/^\/[\/*]# sourceMappingURL=/d' "package/$1" > "$vendor/$2"
}

icons=(
    activity adjustments-alt alert-triangle ban building-community calendar check chevron-right
    circle-check circle-x clock database grid-4x4 hand-click history home key language list-check lock logout
    menu-2 search shield-check switch-horizontal target-arrow user user-circle users users-group
)
paths=("${icons[@]/%/.svg}")
paths=("${paths[@]/#/icons/outline/}")

# One file of symbols; a page draws one by <use href="icons.svg#name">.
sprite() {
    local icon
    echo '<svg xmlns="http://www.w3.org/2000/svg">'
    for icon in "${icons[@]}"; do
        echo "<symbol id=\"$icon\" viewBox=\"0 0 24 24\">"
        grep -E '^  <(path|circle|rect|line)' "package/icons/outline/$icon.svg" | grep -v 'M0 0h24v24H0z'
        echo '</symbol>'
    done
    echo '</svg>'
}

rm -rf "$vendor"
mkdir -p "$vendor"

fetch @tabler/core@1.6.1 d02d679e51f6c179b21f035e154c13cdcb2ae8b18579e56ea606408ba7fc7a87 \
    dist/css/tabler.min.css dist/js/tabler.min.js
keep dist/css/tabler.min.css tabler.min.css
keep dist/js/tabler.min.js tabler.min.js

fetch htmx.org@4.0.1 5fba65616ca148a86d377e9771bcada7f35faee3558651feb929eea425e13b3c LICENSE dist/htmx.min.js
keep dist/htmx.min.js htmx.min.js
keep LICENSE htmx.LICENSE

fetch @tabler/icons@3.51.0 b30108713d3fa60aee862c2a133225da8e0f309be0708fe2925763ff810c766c \
    LICENSE "${paths[@]}"
keep LICENSE icons.LICENSE
sprite > "$vendor/icons.svg"
