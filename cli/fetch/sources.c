// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The data sets that weir fetch knows: addresses, sizes and MD5 checksums as published (the checksums guard against
// damage, not against an attacker). Images are four IDX files of 28 x 28 images in 10 classes; texts are one file, out of a
// zip archive: their checksums are those of what is in it.

#include "fetch.h"

#define MNIST   "https://ossci-datasets.s3.amazonaws.com/mnist/"
#define FASHION "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
#define KMNIST  "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"

#define FILE_OF(base, file, md5, bytes)                                                                                \
    { file, base file, md5, bytes, 0 }

#define TRAIN_IMAGES "train-images-idx3-ubyte.gz"
#define TRAIN_LABELS "train-labels-idx1-ubyte.gz"
#define TEST_IMAGES  "t10k-images-idx3-ubyte.gz"
#define TEST_LABELS  "t10k-labels-idx1-ubyte.gz"

static const fetch_file mnist[] = {
    FILE_OF(MNIST, TRAIN_IMAGES, "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9912422),
    FILE_OF(MNIST, TRAIN_LABELS, "d53e105ee54ea40749a09fcbcd1e9432", 28881),
    FILE_OF(MNIST, TEST_IMAGES, "9fb629c4189551a2d022fa330f9573f3", 1648877),
    FILE_OF(MNIST, TEST_LABELS, "ec29112dd5afa0611ce80d1b7f02629c", 4542),
};

static const fetch_file fashion[] = {
    FILE_OF(FASHION, TRAIN_IMAGES, "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26421880),
    FILE_OF(FASHION, TRAIN_LABELS, "25c81989df183df01b3e8a0aad5dffbe", 29515),
    FILE_OF(FASHION, TEST_IMAGES, "bef4ecab320f06d8554ea6380940ec79", 4422102),
    FILE_OF(FASHION, TEST_LABELS, "bb300cfdad3c16e7a12a480ee83cd310", 5148),
};

static const fetch_file kuzushiji[] = {
    FILE_OF(KMNIST, TRAIN_IMAGES, "bdb82020997e1d708af4cf47b453dcf7", 18165135),
    FILE_OF(KMNIST, TRAIN_LABELS, "e144d726b3acfaa3e44228e80efcd344", 29497),
    FILE_OF(KMNIST, TEST_IMAGES, "5c965bf0a639b31b8f53240b1b52f4d7", 3041136),
    FILE_OF(KMNIST, TEST_LABELS, "7320c461ea6c1c855c0b718fb2a4b134", 5120),
};

// http://mattmahoney.net/dc/textdata.html and text.html name the members' sizes and MD5 checksums.
static const fetch_file text8[] = {
    {"text8", "http://mattmahoney.net/dc/text8.zip", "3bea1919949baf155f99411df5fada7e", 100000000, 31344016}};
static const fetch_file enwik8[] = {
    {"enwik8", "http://mattmahoney.net/dc/enwik8.zip", "a1fa5ffddb56f4953e226637dabbb36a", 100000000, 36445475}};

static const fetch_source sources[] = {
    {"mnist", "handwritten digits: 60 000 for training, 10 000 for tests (LeCun, Cortes and Burges 1998)", mnist, 4, NULL},
    {"fashion-mnist", "pieces of clothing: 60 000 and 10 000 (Xiao, Rasul and Vollgraf 2017)", fashion, 4, NULL},
    {"kmnist", "cursive Japanese letters: 60 000 and 10 000 (Clanuwat et al. 2018)", kuzushiji, 4, NULL},
    {"text8", "a hundred million letters a to z and blanks of Wikipedia in 2006 (Mahoney 2006)", text8, 1, "text"},
    {"enwik8", "a hundred million bytes of Wikipedia's XML in 2006 (Mahoney 2006)", enwik8, 1, "text"},
};

enum { source_count = sizeof sources / sizeof *sources };

size_t fetch_source_count(void) { return source_count; }

const fetch_source *fetch_source_at(size_t index) { return index < source_count ? &sources[index] : NULL; }
