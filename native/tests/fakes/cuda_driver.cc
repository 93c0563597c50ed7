// Stands in for libcuda.so.1 in tests of the loader: tells the version that it was compiled with.
extern "C" __attribute__((visibility("default"))) int cuDriverGetVersion(int* version) {
  *version = MSC_FAKE_DRIVER_VERSION;
  return MSC_FAKE_DRIVER_RESULT;
}
