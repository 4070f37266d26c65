/// What a tile of a dense convolution reads: `runs` stretches of `steps` dwords a pixel, at `offsets` bytes from its place.
struct TileInput {
    const Elem* pixel;          // the first
    int64_t pixel_bytes;        // from one to the next
    const int64_t* offsets;     // [runs]
    int64_t runs, steps;
    const int8_t* weights;      // [runs, steps, channels of the tile, kTaps]
    const int32_t* bias;        // [channels of the tile]
};
