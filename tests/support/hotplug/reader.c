/* The virtual reader's driver under the name that pcscd gives to a USB device.
 *
 * Linked with the real driver, where every other function is found: this one only puts
 * HOTPLUG_DEVICE, which that driver understands, in the place of the device's USB name.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

#include <ifdhandler.h>

typedef RESPONSECODE (*create)(DWORD, LPSTR);

RESPONSECODE IFDHCreateChannelByName(DWORD lun, LPSTR name)
{
    create real = (create)dlsym(RTLD_NEXT, "IFDHCreateChannelByName");
    (void)name;
    return real ? real(lun, getenv("HOTPLUG_DEVICE")) : IFD_COMMUNICATION_ERROR;
}
