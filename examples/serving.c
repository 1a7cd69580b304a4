/* What a server does without Python: it loads an exported explainer, and explains rows of numbers.

   serving MODEL INPUT SIZES < rows > attributions

   MODEL is the folder of the SavedModel, INPUT the name of its input, SIZES the shape of one sample ("48,48,1"). Rows
   are float32 numbers, as many samples as come; so are attributions, each those of the sample's largest output. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

static void check(const TF_Status *status) {
  if (TF_GetCode(status) != TF_OK) {
    fprintf(stderr, "%s\n", TF_Message(status));
    exit(1);
  }
}

static char *read_all(FILE *file, size_t *size) {
  size_t room = 1 << 16, got;
  char *data = malloc(room);
  *size = 0;
  while ((got = fread(data + *size, 1, room - *size, file)) > 0) {
    *size += got;
    if (*size == room) data = realloc(data, room *= 2);
  }
  return data;
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "serving MODEL INPUT SIZES < rows > attributions\n"), 2;
  int64_t dims[16];
  int ndims = 1;
  size_t row = sizeof(float), size;
  for (char *part = strtok(argv[3], ","); part && ndims < 16; part = strtok(NULL, ",")) {
    dims[ndims] = atol(part);
    row *= dims[ndims++];
  }
  char *rows = read_all(stdin, &size);
  dims[0] = size / row;

  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  const char *tags[] = {"serve"};
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  check(status);

  TF_Tensor *xs = TF_AllocateTensor(TF_FLOAT, dims, ndims, size);
  memcpy(TF_TensorData(xs), rows, size);
  TF_Output input = {TF_GraphOperationByName(graph, argv[2]), 0};
  TF_Output output = {TF_GraphOperationByName(graph, "attributions"), 0};
  TF_Tensor *found = NULL;
  TF_SessionRun(session, NULL, &input, &xs, 1, &output, &found, 1, NULL, 0, NULL, status);
  check(status);
  fwrite(TF_TensorData(found), 1, TF_TensorByteSize(found), stdout);
  return 0;
}
