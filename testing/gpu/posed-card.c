/*
 * A Vulkan driver that hands everything on to a software one and calls itself a graphics card, so that Chromium and the page
 * go the way of a card: kernels of our own are tried and timed, and nothing is left out since an adapter is software.
 * Speeds say nothing; what is chosen, remembered and said can be seen.
 *   gcc -shared -fPIC -fvisibility=hidden -o libposed.so testing/gpu/posed-card.c -ldl
 *   echo '{"ICD":{"api_version":"1.4.305","library_path":"'$PWD'/libposed.so"},"file_format_version":"1.0.0"}' > posed.json
 *   POSED_OVER=/usr/lib/chromium/libvk_swiftshader.so VK_ICD_FILENAMES=$PWD/posed.json chromium --headless --no-sandbox
 *     --enable-unsafe-webgpu --ignore-gpu-blocklist --enable-features=Vulkan --use-angle=vulkan --disable-vulkan-surface
 *     --enable-dawn-features=vulkan_enable_f16_on_nvidia,allow_unsafe_apis
 *     --disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension
 * POSED_OVER left out: Mesa's lavapipe. POSED_WITHOUT_SUBGROUPS=1 hides its subgroups.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

/* As much of Vulkan's structures as is read or changed here. */
typedef void (*Function)(void);
typedef Function (*Finder)(void *, const char *);
typedef struct { uint32_t api, driver, vendor, device, type; char name[256]; } Properties;
typedef struct Chained { uint32_t type; struct Chained *next; } Chained;
typedef struct { Chained chained; uint32_t id; char name[256], info[256]; } Driver;
typedef struct { Chained chained; Properties properties; } Properties2;
typedef struct { char name[256]; uint32_t version; } Extension;
typedef struct {
  Chained chained; uint32_t flags, queueCount; void *queues; uint32_t layerCount; void *layers;
  uint32_t extensionCount; const char **extensions; void *features;
} DeviceInfo;
typedef struct { Chained chained; uint32_t handle; } SemaphoreInfo;
typedef struct { Chained chained; uint32_t from, compatible, features; } SemaphoreProperties;

enum { DISCRETE = 2, DRIVER_PROPERTIES = 1000196000, VULKAN_1_2 = 52, VULKAN_1_1 = 50, SUBGROUPS = 1000094000 };
enum { INCOMPLETE = 5, FAILED = -3, NOT_SUPPORTED = -8 };

static void *driver;
static Finder find, findForDevice;
static void (*properties)(void *, Properties *);
static void (*properties2)(void *, Properties2 *);
static int (*extensions)(void *, const char *, uint32_t *, Extension *);
static int (*createDevice)(void *, const DeviceInfo *, void *, void *);
static void (*semaphores)(void *, const SemaphoreInfo *, SemaphoreProperties *);

static void load(void) {
  if (driver != NULL) return;
  const char *path = getenv("POSED_OVER");
  driver = dlopen(path != NULL ? path : "libvulkan_lvp.so", RTLD_NOW | RTLD_LOCAL);
  if (driver != NULL) find = (Finder)dlsym(driver, "vk_icdGetInstanceProcAddr");
}

static void pose(Properties *of) {
  of->vendor = 0x10DE;
  of->device = 0x2330;
  of->type = DISCRETE;
  strcpy(of->name, "NVIDIA H100");
}

static void posedProperties(void *device, Properties *of) {
  properties(device, of);
  pose(of);
}

static void posedProperties2(void *device, Properties2 *of) {
  properties2(device, of);
  pose(&of->properties);
  int hides = getenv("POSED_WITHOUT_SUBGROUPS") != NULL;
  for (Chained *one = of->chained.next; one != NULL; one = one->next) {
    uint32_t *words = (uint32_t *)(one + 1);
    /* Operations that subgroups can do. */
    if (hides && one->type == SUBGROUPS) words[2] = 0;
    if (hides && one->type == VULKAN_1_1) words[14] = 0;
    if (one->type != DRIVER_PROPERTIES && one->type != VULKAN_1_2) continue;
    strcpy(((Driver *)one)->name, "NVIDIA");
    strcpy(((Driver *)one)->info, "posed");
  }
}

/* Chromium takes no card whose semaphores cannot be shared, for canvases. Nothing here draws on one. */
static const char *SHARED = "VK_KHR_external_semaphore_fd";
static int unsupported(void) { return NOT_SUPPORTED; }

static int moreExtensions(void *device, const char *layer, uint32_t *count, Extension *into) {
  if (layer != NULL) return extensions(device, layer, count, into);
  uint32_t all = 0;
  int failed = extensions(device, NULL, &all, NULL);
  if (failed) return failed;
  if (into == NULL) return *count = all + 1, 0;
  uint32_t room = *count;
  *count = room < all ? room : all;
  int result = extensions(device, NULL, count, into);
  if (result < 0) return result;
  if (room <= all) return INCOMPLETE;
  strcpy(into[all].name, SHARED);
  into[all].version = 1;
  return *count = all + 1, 0;
}

static int deviceWithout(void *device, const DeviceInfo *info, void *memory, void *made) {
  const char *names[256];
  DeviceInfo without = *info;
  without.extensions = names;
  without.extensionCount = 0;
  for (uint32_t i = 0; i < info->extensionCount && i < 256; i++)
    if (strcmp(info->extensions[i], SHARED)) names[without.extensionCount++] = info->extensions[i];
  return createDevice(device, &without, memory, made);
}

static void sharedSemaphores(void *device, const SemaphoreInfo *info, SemaphoreProperties *of) {
  semaphores(device, info, of);
  if (info->handle != 1) return;
  of->from = of->compatible = 1;
  of->features = 3;
}

static Function ofDevice(void *device, const char *name) {
  if (!strcmp(name, "vkGetSemaphoreFdKHR") || !strcmp(name, "vkImportSemaphoreFdKHR")) return (Function)unsupported;
  return findForDevice(device, name);
}

/* Whatever is called so here, or its extension's name, is ours, and calls the driver's. */
#define OURS(vulkan, theirs, ours) \
  if (!strcmp(name, vulkan) || !strcmp(name, vulkan "KHR")) return theirs = (void *)found, (Function)ours

EXPORTED Function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
  load();
  Function found = find == NULL ? NULL : find(instance, name);
  if (found == NULL) return NULL;
  OURS("vkGetPhysicalDeviceProperties", properties, posedProperties);
  OURS("vkGetPhysicalDeviceProperties2", properties2, posedProperties2);
  OURS("vkEnumerateDeviceExtensionProperties", extensions, moreExtensions);
  OURS("vkCreateDevice", createDevice, deviceWithout);
  OURS("vkGetPhysicalDeviceExternalSemaphoreProperties", semaphores, sharedSemaphores);
  OURS("vkGetDeviceProcAddr", findForDevice, ofDevice);
  return found;
}

EXPORTED Function vk_icdGetPhysicalDeviceProcAddr(void *instance, const char *name) {
  load();
  Finder ofPhysical = driver == NULL ? NULL : (Finder)dlsym(driver, "vk_icdGetPhysicalDeviceProcAddr");
  Function found = ofPhysical == NULL ? NULL : ofPhysical(instance, name);
  return found == NULL ? NULL : vk_icdGetInstanceProcAddr(instance, name);
}

EXPORTED int vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  load();
  if (driver == NULL) return FAILED;
  int (*negotiate)(uint32_t *) = dlsym(driver, "vk_icdNegotiateLoaderICDInterfaceVersion");
  return negotiate == NULL ? 0 : negotiate(version);
}
