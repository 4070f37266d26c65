/// What a tile of a dense convolution reads: `runs` stretches of `steps` dwords a pixel, at `offsets` bytes from its
/// place.
struct TileInput {
    const Elem* pixel;       // the first
    int64_t pixel_bytes;     // from one to the next
    const int64_t* offsets;  // [runs]
    int64_t runs, steps;
    const TapWeight* weights;  // [runs, steps, channels of the tile, kTaps]
    const int32_t* bias;       // [channels of the tile]
};

/// What a tile of a depthwise convolution reads; places in bytes.
struct DepthwiseInput {
    const int32_t* panel;  // of the first block's first wide
    int64_t advance;       // from one block to the next
    int64_t wides[3];      // from a block's first wide to its others
    const int64_t* taps;   // [steps]
    int64_t steps;
    const TapWeight* weights;  // [steps, kBlock, kTaps]
    const int32_t* bias;       // [kBlock]
};
