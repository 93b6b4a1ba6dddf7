/** Where a model computes. `auto` takes a GPU where there is one. */
export type Gpu = 'cpu' | 'cuda' | 'auto'
