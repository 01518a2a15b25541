/* A udev with one USB device, which a test plugs in and out.
 *
 * Preloaded into pcscd in place of the real libudev: whatever happens to a reader on a
 * real bus then happens here, through pcscd's own code. Each byte that is written to the
 * named pipe HOTPLUG_PIPE is one event: 'a' the device is added, 'r' it is removed.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct udev_device {
    const char *action;
};

static struct udev_device added = {"add"};
static struct udev_device removed = {"remove"};
static int something;
static int events = -1;

void *udev_new(void) { return &something; }
void *udev_unref(void *udev) { (void)udev; return NULL; }

void *udev_monitor_new_from_netlink(void *udev, const char *name)
{
    (void)udev, (void)name;
    return &something;
}
void *udev_monitor_unref(void *monitor) { (void)monitor; return NULL; }
int udev_monitor_filter_add_match_subsystem_devtype(void *m, const char *s, const char *d)
{
    (void)m, (void)s, (void)d;
    return 0;
}
int udev_monitor_enable_receiving(void *monitor)
{
    (void)monitor;
    /* Open for both, so that it never reads as closed. */
    events = open(getenv("HOTPLUG_PIPE"), O_RDWR | O_CLOEXEC);
    return events < 0;
}
int udev_monitor_get_fd(void *monitor) { (void)monitor; return events; }
struct udev_device *udev_monitor_receive_device(void *monitor)
{
    char event;
    (void)monitor;
    if (read(events, &event, 1) != 1)
        return NULL;
    return event == 'a' ? &added : &removed;
}

/* The device is in when pcscd starts. */
void *udev_enumerate_new(void *udev) { (void)udev; return &something; }
void *udev_enumerate_unref(void *e) { (void)e; return NULL; }
int udev_enumerate_add_match_subsystem(void *e, const char *s) { (void)e, (void)s; return 0; }
int udev_enumerate_scan_devices(void *e) { (void)e; return 0; }
void *udev_enumerate_get_list_entry(void *e) { (void)e; return &something; }
void *udev_list_entry_get_next(void *entry) { (void)entry; return NULL; }
const char *udev_list_entry_get_name(void *entry) { (void)entry; return "/sys/virtual"; }

struct udev_device *udev_device_new_from_syspath(void *udev, const char *path)
{
    (void)udev, (void)path;
    return &added;
}
void *udev_device_unref(void *device) { (void)device; return NULL; }
const char *udev_device_get_action(struct udev_device *device) { return device->action; }
void *udev_device_get_parent_with_subsystem_devtype(void *device, const char *s, const char *d)
{
    (void)s, (void)d;
    return device;
}
const char *udev_device_get_devnode(void *device) { (void)device; return "/dev/virtual"; }
const char *udev_device_get_sysname(void *device) { (void)device; return "virtual"; }
const char *udev_device_get_property_value(void *device, const char *key)
{
    (void)device, (void)key;
    return NULL;
}
const char *udev_device_get_sysattr_value(void *device, const char *name)
{
    (void)device;
    if (strcmp(name, "idVendor") == 0 || strcmp(name, "idProduct") == 0)
        return "1209";
    return NULL;
}
