#!/usr/bin/env bash
# On a server with a graphics card: `. unpack-chromium.sh <folder of the pieces> [where to, /tmp/pictalk]`. Unpacks what
# carry-chromium.sh put together, goes into the checkout and sets what its scripts read: PATH, CHROMIUM_PATH, and
# PICTALK_CHROMIUM_FLAGS, under which Chromium runs WebGPU on the card, with float16 on NVIDIA and unrounded times inside kernels.
pieces=$1
box=${2:-/tmp/pictalk}
mkdir -p "$box"
cat "$pieces"/piece-* | xz -dc | tar x -C "$box"
cat > "$box/chromium.sh" <<S
#!/bin/sh
LD_LIBRARY_PATH=$box/libs:\$LD_LIBRARY_PATH exec $box/chromium/chromium "\$@"
S
chmod +x "$box/chromium.sh"
export PATH=$box/bin:$box/app/node_modules/.bin:$PATH CHROMIUM_PATH=$box/chromium.sh
# Where the loader of Vulkan does not find the card's driver by itself.
icd=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
if [ -e "$icd" ]; then
  export VK_DRIVER_FILES=$icd __EGL_VENDOR_LIBRARY_FILENAMES=/usr/local/nvidia/share/glvnd/egl_vendor.d/10_nvidia.json
fi
export PICTALK_CHROMIUM_FLAGS='--use-angle=vulkan --enable-features=Vulkan --disable-vulkan-surface --ignore-gpu-blocklist --enable-dawn-features=vulkan_enable_f16_on_nvidia,allow_unsafe_apis --disable-dawn-features=timestamp_quantization'
cd "$box/app" || return
