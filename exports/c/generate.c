/* Runs a signature of an exported SavedModel with TensorFlow's C library, without Python.

     generate [--time] MODEL FILE OUTPUT INPUT=NUMBERS ...

   MODEL    the folder with saved_model.pb
   FILE     the file to write, with the numbers of the output as float32; their shape is printed
   OUTPUT   the tensor of the output, such as StatefulPartitionedCall_1:0
   INPUT    the tensor of an input, such as generate_seed:0
   NUMBERS  comma-separated numbers, row by row
   --time   continues: for each line of standard input, a number, it makes that many calls and prints a line with the
            microseconds of each

   README.md describes how to build it and how to print the names of the tensors. */

#define _POSIX_C_SOURCE 199309L /* clock_gettime */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tensorflow/c/c_api.h"

#define MAX_CALLS 1000000
#define MAX_INPUTS 16
#define MAX_RANK 8

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static void check(TF_Status *status, const char *what) {
  if (TF_GetCode(status) != TF_OK) fail(what, TF_Message(status));
}

/* Finds the tensor with the name "operation:index". */
static TF_Output find(TF_Graph *graph, const char *name) {
  const char *colon = strrchr(name, ':');
  char operation[512];
  if (colon == NULL || (size_t)(colon - name) >= sizeof operation) fail(name, "is not the name of a tensor, operation:0");
  memcpy(operation, name, colon - name);
  operation[colon - name] = '\0';
  TF_Output output = {TF_GraphOperationByName(graph, operation), atoi(colon + 1)};
  if (output.oper == NULL || output.index < 0 || output.index >= TF_OperationNumOutputs(output.oper))
    fail(name, "is no tensor of the model");
  return output;
}

/* Reads the number at `text` into element `i` of a tensor; returns the end of the number. */
static const char *read_number(const char *text, TF_Tensor *tensor, int64_t i) {
  char *end;
  errno = 0;
  if (TF_TensorType(tensor) == TF_FLOAT) {
    ((float *)TF_TensorData(tensor))[i] = strtof(text, &end);
  } else {
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || number < INT32_MIN || number > INT32_MAX) fail(text, "is out of the range of int32");
    ((int32_t *)TF_TensorData(tensor))[i] = (int32_t)number;
  }
  if (end == text || (*end != ',' && *end != '\0')) fail(text, "is no number");
  return end + 1;
}

/* Returns a tensor with the type and the rank of the model's `input`. One size may be unknown: the number of rows. */
static TF_Tensor *read_tensor(TF_Graph *graph, TF_Output input, const char *numbers, TF_Status *status) {
  TF_DataType type = TF_OperationOutputType(input);
  if (type != TF_FLOAT && type != TF_INT32) fail(TF_OperationName(input.oper), "is neither float32 nor int32");
  int64_t shape[MAX_RANK];
  int rank = TF_GraphGetTensorNumDims(graph, input, status);
  check(status, TF_OperationName(input.oper));
  if (rank < 0 || rank > MAX_RANK) fail(TF_OperationName(input.oper), "has no rank, or too large a one");
  TF_GraphGetTensorShape(graph, input, shape, rank, status);
  check(status, TF_OperationName(input.oper));

  int64_t count = 1, fixed = 1;
  int64_t *open = NULL;
  for (const char *c = numbers; *c != '\0'; ++c) count += *c == ',';
  for (int i = 0; i < rank; ++i) {
    if (shape[i] >= 0) fixed *= shape[i];
    else if (open == NULL) open = &shape[i];
    else fail(TF_OperationName(input.oper), "has more than one open size");
  }
  if (open != NULL && fixed > 0) *open = count / fixed;
  if (fixed * (open != NULL ? *open : 1) != count) fail(TF_OperationName(input.oper), "takes another number of values");

  TF_Tensor *tensor = TF_AllocateTensor(type, shape, rank, (size_t)count * 4);
  for (int64_t i = 0; i < count; ++i) numbers = read_number(numbers, tensor, i);
  return tensor;
}

static void write_tensor(const char *path, TF_Tensor *tensor) {
  if (TF_TensorType(tensor) != TF_FLOAT) fail(path, "the output is not float32");
  FILE *file = fopen(path, "wb");
  if (file == NULL) fail(path, strerror(errno));
  size_t size = TF_TensorByteSize(tensor);
  if (fwrite(TF_TensorData(tensor), 1, size, file) != size || fclose(file) != 0) fail(path, strerror(errno));
  for (int i = 0; i < TF_NumDims(tensor); ++i) printf("%s%lld", i ? " " : "", (long long)TF_Dim(tensor, i));
  printf("\n");
}

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

/* Times the number of calls on the next line of standard input; returns 0 at its end. */
static int time_calls(TF_Session *session, const TF_Output *inputs, TF_Tensor *const *values, int count,
                      const TF_Output *output, TF_Status *status) {
  char line[32];
  if (fgets(line, sizeof line, stdin) == NULL) return 0;
  long calls = atol(line);
  if (calls < 1 || calls > MAX_CALLS) fail(line, "is not a number of calls");
  double *times = malloc((size_t)calls * sizeof *times);
  if (times == NULL) fail(line, "too many calls");
  for (long i = 0; i < calls; ++i) {
    TF_Tensor *result = NULL;
    double start = microseconds();
    TF_SessionRun(session, NULL, inputs, values, count, output, &result, 1, NULL, 0, NULL, status);
    times[i] = microseconds() - start;
    check(status, "The model rejected the call");
    TF_DeleteTensor(result);
  }
  for (long i = 0; i < calls; ++i) printf("%s%.2f", i ? " " : "", times[i]);
  printf("\n");
  fflush(stdout);
  free(times);
  return 1;
}

int main(int argc, char **argv) {
  int timed = argc > 1 && strcmp(argv[1], "--time") == 0;
  argc -= timed;
  argv += timed;
  int count = argc - 4;
  if (count < 1 || count > MAX_INPUTS) fail("usage", "generate [--time] MODEL FILE OUTPUT INPUT=NUMBERS ...");
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  const char *tags[] = {"serve"};
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  check(status, argv[1]);

  TF_Output output = find(graph, argv[3]);
  TF_Output inputs[MAX_INPUTS];
  TF_Tensor *values[MAX_INPUTS];
  for (int i = 0; i < count; ++i) {
    char *equals = strchr(argv[4 + i], '=');
    if (equals == NULL) fail(argv[4 + i], "is not INPUT=NUMBERS");
    *equals = '\0';
    inputs[i] = find(graph, argv[4 + i]);
    values[i] = read_tensor(graph, inputs[i], equals + 1, status);
  }
  TF_Tensor *result = NULL;
  TF_SessionRun(session, NULL, inputs, values, count, &output, &result, 1, NULL, 0, NULL, status);
  check(status, "The model rejected the call");
  write_tensor(argv[2], result);
  fflush(stdout);
  while (timed && time_calls(session, inputs, values, count, &output, status)) continue;

  TF_DeleteTensor(result);
  for (int i = 0; i < count; ++i) TF_DeleteTensor(values[i]);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
