/* Play Andor's SDK2 behind its C interface, so that the binding can be tested without a camera.
 *
 * Signatures as in atmcd32d.h, where at_32 has 32 bits. Behaviour from the SDK guide: readout
 * modes, single scan and kinetic series, circular fetching, cooler states as return values,
 * settings refused while acquiring. Functions named stub_* belong to the tests: they set the
 * chip, the clock, the source of the counts and the faults.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef int32_t at_32;
typedef uint32_t at_u32;

enum {
    SUCCESS = 20002, NO_NEW_DATA = 20024, TEMP_OFF = 20034, TEMP_NOT_STABILIZED = 20035,
    TEMP_STABILIZED = 20036, TEMP_NOT_REACHED = 20037, P1 = 20066, P2 = 20067, P3 = 20068,
    P4 = 20069, ACQUIRING = 20072, IDLE = 20073, NOT_INITIALIZED = 20075, P5 = 20076, P6 = 20077,
    INVALID_MODE = 20078, RANDOM_TRACK_ERROR = 20094, NOT_SUPPORTED = 20991
};
enum { FVB, MULTI, RANDOM, SINGLE, IMAGE };
enum { MAX_TRACKS = 256, MAX_FAULTS = 64, HANDLE = 7 };

typedef struct {
    at_u32 size, acq_modes, read_modes, trigger_modes, camera_type, pixel_mode, set_functions,
        get_functions, features, pci_card, em_gain, ft_read_modes;
} Capabilities;

/* Fill n counts of one exposure: areas are (first, last) rows from 0, or bands is 0 for images. */
typedef void (*fill_t)(at_32 bands, const at_32 *areas, double exposure_s, double start_s,
                       at_32 shutter_open, uint16_t *out, at_32 n);
typedef double (*now_t)(void);
typedef void (*sleep_t)(double seconds);

static struct {
    at_32 rows, columns, initialized, bits;
    Capabilities able;
    fill_t fill;
    now_t now;
    sleep_t sleep;
    double image_readout_s, band_readout_s;
    /* cooler */
    at_32 cooler, setpoint_c;
    double begin_c, begin_s;
    /* settings */
    at_32 read_mode, acq_mode, kinetics, shutter, tracks[5], areas[5][2 * MAX_TRACKS];
    float exposure_s, cycle_s;
    /* acquisition */
    at_32 running, total, done, fetched, announced, cancelled, hang, frame_pixels;
    double start_s;
    uint16_t *frames;
    /* faults */
    at_32 fault_count;
    struct { char name[48]; at_32 left; at_u32 code; } faults[MAX_FAULTS];
} c;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static double now_s(void) {
    struct timespec t;
    if (c.now) return c.now();
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void sleep_s(double seconds) {
    struct timespec t;
    if (c.sleep) { c.sleep(seconds); return; }
    t.tv_sec = (time_t)seconds;
    t.tv_nsec = (long)(1e9 * (seconds - (double)t.tv_sec));
    nanosleep(&t, NULL);
}

static double readout_s(void) {
    return c.read_mode == IMAGE ? c.image_readout_s : c.band_readout_s;
}

static double cycle_s(void) {
    double shortest = c.exposure_s + readout_s();
    return c.cycle_s > shortest ? c.cycle_s : shortest;
}

static double next_s(void) {
    return c.start_s + c.done * cycle_s() + c.exposure_s + readout_s();
}

static void advance(void) {
    while (c.running && !c.hang && now_s() >= next_s()) {
        at_32 whole[2] = {0, c.rows - 1};
        at_32 bands = c.read_mode == FVB ? 1 : c.read_mode == IMAGE ? 0 : c.tracks[c.read_mode];
        at_32 *areas = c.read_mode == FVB ? whole : c.areas[c.read_mode];
        uint16_t *out = c.frames + (size_t)c.done * (size_t)c.frame_pixels;
        at_32 is_open = !(c.able.features & 8) || c.shutter != 2;
        if (c.fill)
            c.fill(bands, areas, c.exposure_s, c.start_s + c.done * cycle_s(), is_open, out,
                   c.frame_pixels);
        if (++c.done == c.total) c.running = 0;
    }
}

static at_u32 enter(const char *name, int needs_idle, int needs_camera) {
    for (at_32 i = 0; i < c.fault_count; i++)
        if (!strcmp(c.faults[i].name, name) && --c.faults[i].left == 0) return c.faults[i].code;
    if (needs_camera && !c.initialized) return NOT_INITIALIZED;
    advance();
    return needs_idle && c.running ? ACQUIRING : SUCCESS;
}

#define BEGIN(idle, camera)                                   \
    pthread_mutex_lock(&mutex);                               \
    at_u32 code = enter(__func__, idle, camera);              \
    if (code == SUCCESS)
#define END                                                   \
    pthread_mutex_unlock(&mutex);                             \
    return code;
#define ASK BEGIN(0, 1)
#define SETTING BEGIN(1, 1)

/* ---- for the tests ---- */

void stub_reset(at_32 rows, at_32 columns, double image_readout_s, double band_readout_s) {
    free(c.frames);
    memset(&c, 0, sizeof c);
    c.rows = rows;
    c.columns = columns;
    c.bits = 16;
    c.image_readout_s = image_readout_s;
    c.band_readout_s = band_readout_s;
    c.begin_c = 20;
    c.able = (Capabilities){sizeof(Capabilities), 1 | 4 | 8, 1 | 2 | 4 | 8 | 16 | 32, 1, 8, 4,
                            0x4 | 0x200 | 0x4000, 1 | 4 | 8, 1 | 2 | 8, 0, 0, 0};
}

void stub_set_fill(fill_t fill) { c.fill = fill; }
void stub_set_clock(now_t now, sleep_t sleep) { c.now = now; c.sleep = sleep; }
void stub_set_hang(at_32 hang) { c.hang = hang; }
void stub_set_bits(at_32 bits) { c.bits = bits; }
at_32 stub_shutter(void) { return c.shutter; }

void stub_set_capabilities(at_u32 acq, at_u32 read, at_u32 set, at_u32 features) {
    c.able.acq_modes = acq;
    c.able.read_modes = read;
    c.able.set_functions = set;
    c.able.features = features;
}

/* Return `code` instead of doing anything at the n-th call of a function from now. */
void stub_fail(const char *name, at_32 nth, at_u32 code) {
    if (c.fault_count == MAX_FAULTS) abort();
    snprintf(c.faults[c.fault_count].name, sizeof c.faults[0].name, "%s", name);
    c.faults[c.fault_count].left = nth;
    c.faults[c.fault_count++].code = code;
}

/* ---- head ---- */

at_u32 GetAvailableCameras(at_32 *count) { BEGIN(0, 0) *count = 1; END }

at_u32 GetCameraHandle(at_32 index, at_32 *handle) {
    BEGIN(0, 0) {
        if (index != 0) code = P1;
        else *handle = HANDLE;
    }
    END
}

at_u32 SetCurrentCamera(at_32 handle) { BEGIN(0, 0) if (handle != HANDLE) code = P1; END }

at_u32 Initialize(char *directory) {
    BEGIN(0, 0) {
        (void)directory;
        c.initialized = 1;
        c.shutter = 2;
        c.acq_mode = 1;
        c.kinetics = 1;
        c.exposure_s = 0.1f;
    }
    END
}

at_u32 ShutDown(void) { ASK { c.initialized = 0; c.running = 0; } END }

at_u32 GetCapabilities(Capabilities *able) {
    ASK {
        at_u32 size = able->size < sizeof c.able ? able->size : (at_u32)sizeof c.able;
        memcpy(able, &c.able, size);
        able->size = size;
    }
    END
}

at_u32 GetHeadModel(char *model) { ASK strcpy(model, "DU_STUB"); END }
at_u32 GetCameraSerialNumber(at_32 *number) { ASK *number = 4711; END }
at_u32 GetDetector(at_32 *columns, at_32 *rows) { ASK { *columns = c.columns; *rows = c.rows; } END }
at_u32 GetPixelSize(float *x, float *y) { ASK *x = *y = 20.0f; END }

at_u32 GetBitDepth(at_32 channel, at_32 *bits) {
    ASK {
        if (channel != 0) code = P1;
        else *bits = c.bits;
    }
    END
}

at_u32 GetStatus(at_32 *status) { ASK *status = c.running ? ACQUIRING : IDLE; END }

/* ---- cooler: half a degree per second, stable after ten seconds at the set-point ---- */

static double target_c(void) { return c.cooler ? c.setpoint_c : 20; }

static double arrival_s(void) {
    double away = target_c() - c.begin_c;
    return c.begin_s + (away < 0 ? -away : away) / 0.5;
}

static double temperature_c(void) {
    double moved = 0.5 * (now_s() - c.begin_s);
    if (now_s() >= arrival_s()) return target_c();
    return target_c() < c.begin_c ? c.begin_c - moved : c.begin_c + moved;
}

static void retarget(at_32 cooler, at_32 setpoint_c) {
    c.begin_c = temperature_c();
    c.begin_s = now_s();
    c.cooler = cooler;
    c.setpoint_c = setpoint_c;
}

at_u32 GetTemperatureRange(at_32 *low, at_32 *high) { ASK { *low = -100; *high = 20; } END }

at_u32 SetTemperature(at_32 setpoint_c) {
    SETTING {
        if (setpoint_c < -100 || setpoint_c > 20) code = P1;
        else retarget(c.cooler, setpoint_c);
    }
    END
}

at_u32 CoolerON(void) { SETTING retarget(1, c.setpoint_c); END }
at_u32 CoolerOFF(void) { SETTING retarget(0, c.setpoint_c); END }
at_u32 IsCoolerOn(at_32 *on) { ASK *on = c.cooler; END }
at_u32 SetCoolerMode(at_32 mode) { SETTING if (mode != 0 && mode != 1) code = P1; END }

at_u32 GetTemperatureF(float *temperature) {
    BEGIN(!(c.able.features & 0x200), 1) {
        *temperature = (float)temperature_c();
        if (!c.cooler) code = TEMP_OFF;
        else if (now_s() < arrival_s()) code = TEMP_NOT_REACHED;
        else code = now_s() < arrival_s() + 10 ? TEMP_NOT_STABILIZED : TEMP_STABILIZED;
    }
    END
}

/* ---- shutter and electronics ---- */

at_u32 GetShutterMinTimes(at_32 *closing, at_32 *opening) { ASK *closing = *opening = 20; END }

at_u32 SetShutter(at_32 ttl, at_32 mode, at_32 closing, at_32 opening) {
    SETTING {
        if (!(c.able.features & 8)) code = NOT_SUPPORTED;
        else if (ttl != 0 && ttl != 1) code = P1;
        else if (mode < 0 || mode > 2) code = P2;
        else if (closing < 0) code = P3;
        else if (opening < 0) code = P4;
        else c.shutter = mode;
    }
    END
}

at_u32 SetADChannel(at_32 channel) { SETTING if (channel != 0) code = P1; END }
at_u32 SetOutputAmplifier(at_32 amplifier) { SETTING if (amplifier != 0) code = P1; END }

at_u32 SetHSSpeed(at_32 amplifier, at_32 index) {
    SETTING {
        if (amplifier != 0) code = P1;
        else if (index != 0) code = P2;
    }
    END
}

at_u32 GetFastestRecommendedVSSpeed(at_32 *index, float *speed) {
    ASK { *index = 0; *speed = 12.9f; }
    END
}

at_u32 SetVSSpeed(at_32 index) { SETTING if (index != 0) code = P1; END }
at_u32 SetPreAmpGain(at_32 index) { SETTING if (index != 0) code = P1; END }
at_u32 SetFilterMode(at_32 mode) { SETTING if (mode != 0 && mode != 2) code = P1; END }
at_u32 SetTriggerMode(at_32 mode) { SETTING if (mode != 0) code = P1; END }

/* ---- what and how long ---- */

at_u32 SetAcquisitionMode(at_32 mode) {
    SETTING {
        at_u32 bit = mode == 1 ? 1 : mode == 3 ? 8 : 0;
        if (!(c.able.acq_modes & bit)) code = P1;
        else c.acq_mode = mode;
    }
    END
}

at_u32 SetExposureTime(float exposure_s) {
    SETTING {
        if (!(exposure_s >= 0)) code = P1;
        else c.exposure_s = exposure_s < 1e-3f ? 1e-3f : exposure_s;
    }
    END
}

at_u32 SetNumberAccumulations(at_32 count) { SETTING if (count != 1) code = P1; END }

at_u32 SetNumberKinetics(at_32 count) {
    SETTING {
        if (count < 1) code = P1;
        else c.kinetics = count;
    }
    END
}

at_u32 SetKineticCycleTime(float seconds) {
    SETTING {
        if (!(seconds >= 0)) code = P1;
        else c.cycle_s = seconds;
    }
    END
}

at_u32 GetAcquisitionTimings(float *exposure, float *accumulation, float *kinetic) {
    SETTING {
        *exposure = c.exposure_s;
        *accumulation = (float)(c.exposure_s + readout_s());
        *kinetic = (float)cycle_s();
    }
    END
}

at_u32 SetReadMode(at_32 mode) {
    static const at_u32 bits[5] = {8, 16, 32, 4, 1};
    SETTING {
        if (mode < 0 || mode > 4 || !(c.able.read_modes & bits[mode])) code = P1;
        else c.read_mode = mode;
    }
    END
}

at_u32 SetImage(at_32 hbin, at_32 vbin, at_32 hstart, at_32 hend, at_32 vstart, at_32 vend) {
    SETTING {
        if (hbin != 1) code = P1;
        else if (vbin != 1) code = P2;
        else if (hstart != 1) code = P3;
        else if (hend != c.columns) code = P4;
        else if (vstart != 1) code = P5;
        else if (vend != c.rows) code = P6;
        else c.tracks[IMAGE] = c.rows;
    }
    END
}

at_u32 SetSingleTrack(at_32 centre, at_32 height) {
    SETTING {
        at_32 first = centre - 1 - (height - 1) / 2;
        if (centre < 1 || centre > c.rows) code = P1;
        else if (height < 1 || first < 0 || first + height > c.rows) code = P2;
        else {
            c.tracks[SINGLE] = 1;
            c.areas[SINGLE][0] = first;
            c.areas[SINGLE][1] = first + height - 1;
        }
    }
    END
}

at_u32 SetMultiTrack(at_32 number, at_32 height, at_32 offset, at_32 *bottom, at_32 *gap) {
    SETTING {
        at_32 period = number > 0 ? c.rows / number : 0;
        at_32 first = (period - height) / 2 + offset;
        if (number < 1 || number > MAX_TRACKS || number > c.rows) code = P1;
        else if (height < 1 || height > period) code = P2;
        else if (first < 0 || first + (number - 1) * period + height > c.rows) code = P3;
        else {
            for (at_32 i = 0; i < number; i++) {
                c.areas[MULTI][2 * i] = first + i * period;
                c.areas[MULTI][2 * i + 1] = first + i * period + height - 1;
            }
            c.tracks[MULTI] = number;
            *bottom = first + 1;
            *gap = period - height;
        }
    }
    END
}

at_u32 SetRandomTracks(at_32 number, at_32 *areas) {
    SETTING {
        at_32 gap = c.able.set_functions & 0x4000 ? 1 : 2, end = -gap;
        if (number < 1 || number > c.rows / 2 || number > MAX_TRACKS) code = P1;
        for (at_32 i = 0; code == SUCCESS && i < number; i++) {
            at_32 first = areas[2 * i] - 1, last = areas[2 * i + 1] - 1;
            if (first < end + gap || last < first || last >= c.rows) code = RANDOM_TRACK_ERROR;
            end = last;
            c.areas[RANDOM][2 * i] = first;
            c.areas[RANDOM][2 * i + 1] = last;
        }
        if (code == SUCCESS) c.tracks[RANDOM] = number;
    }
    END
}

/* ---- acquisition ---- */

at_u32 PrepareAcquisition(void) {
    SETTING if (c.read_mode != FVB && !c.tracks[c.read_mode]) code = INVALID_MODE;
    END
}

at_u32 StartAcquisition(void) {
    SETTING {
        if (c.read_mode != FVB && !c.tracks[c.read_mode]) code = INVALID_MODE;
        else {
            c.frame_pixels = c.columns * (c.read_mode == FVB ? 1 : c.tracks[c.read_mode]);
            c.total = c.acq_mode == 3 ? c.kinetics : 1;
            c.done = c.fetched = c.announced = 0;
            free(c.frames);
            c.frames = calloc((size_t)c.total * (size_t)c.frame_pixels, sizeof *c.frames);
            if (!c.frames) abort();
            c.start_s = now_s();
            c.running = 1;
        }
    }
    END
}

at_u32 WaitForAcquisitionTimeOut(at_32 milliseconds) {
    double end = now_s() + milliseconds / 1e3;
    pthread_mutex_lock(&mutex);
    at_u32 code = enter(__func__, 0, 1);
    c.cancelled = 0;
    while (code == SUCCESS) {
        double left = end - now_s();
        advance();
        if (c.done > c.announced) { c.announced = c.done; break; }
        if (!c.running || c.cancelled || left <= 0) { code = NO_NEW_DATA; break; }
        if (!c.hang && next_s() - now_s() < left) left = next_s() - now_s();
        if (left > 0.25) left = 0.25;
        pthread_mutex_unlock(&mutex);
        sleep_s(left);
        pthread_mutex_lock(&mutex);
    }
    pthread_mutex_unlock(&mutex);
    return code;
}

at_u32 CancelWait(void) { ASK c.cancelled = 1; END }

at_u32 AbortAcquisition(void) {
    ASK {
        if (!c.running) code = IDLE;
        c.running = 0;
    }
    END
}

at_u32 GetNumberNewImages(at_32 *first, at_32 *last) {
    ASK {
        if (c.fetched >= c.done) code = NO_NEW_DATA;
        else {
            *first = c.fetched + 1;
            *last = c.done;
        }
    }
    END
}

static at_u32 check_images(at_32 first, at_32 last, at_u32 size) {
    if (!c.done) return NO_NEW_DATA;
    if (first < 1) return P1;
    if (last < first || last > c.done) return P2;
    return size == (at_u32)((last - first + 1) * c.frame_pixels) ? SUCCESS : P4;
}

at_u32 GetImages16(at_32 first, at_32 last, uint16_t *out, at_u32 size, at_32 *valid_first,
                   at_32 *valid_last) {
    ASK {
        code = check_images(first, last, size);
        if (code == SUCCESS) {
            memcpy(out, c.frames + (size_t)(first - 1) * (size_t)c.frame_pixels,
                   size * sizeof *out);
            c.fetched = *valid_last = last;
            *valid_first = first;
        }
    }
    END
}

at_u32 GetImages(at_32 first, at_32 last, at_32 *out, at_u32 size, at_32 *valid_first,
                 at_32 *valid_last) {
    ASK {
        code = check_images(first, last, size);
        if (code == SUCCESS) {
            uint16_t *from = c.frames + (size_t)(first - 1) * (size_t)c.frame_pixels;
            for (at_u32 i = 0; i < size; i++) out[i] = from[i];
            c.fetched = *valid_last = last;
            *valid_first = first;
        }
    }
    END
}
