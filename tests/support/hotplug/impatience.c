/* pcscd looks at the virtual reader every 400 ms; tests would spend their life waiting.
 *
 * Preloaded into pcscd: that one sleep becomes 20 ms, every other stays what it is.
 */
#include <time.h>

int nanosleep(const struct timespec *asked, struct timespec *left)
{
    struct timespec time = *asked;
    if (time.tv_sec == 0 && time.tv_nsec == 400000000)
        time.tv_nsec = 20000000;
    return clock_nanosleep(CLOCK_MONOTONIC, 0, &time, left) == 0 ? 0 : -1;
}
