// Writes GGUF version 3 files: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
import { writeFileSync } from 'node:fs'

export type Value =
  | { type: 'u32' | 'f32'; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'f32s' | 'i32s'; value: readonly number[] }

export interface Tensor {
  name: string
  /** The fastest running dimension first, the other way round than PyTorch. */
  shape: readonly number[]
  format: keyof typeof tensorFormats
  data: Uint8Array
}

const tensorFormats = { F32: 0, Q8_0: 8 } as const
const valueTypes = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const
const alignment = 32

export function writeGguf(
  path: string,
  metadata: Readonly<Record<string, Value>>,
  tensors: readonly Tensor[],
): void {
  const header = new ByteWriter()
  header.bytes(Buffer.from('GGUF'))
  header.u32(3)
  header.u64(tensors.length)
  header.u64(Object.keys(metadata).length)
  for (const [key, value] of Object.entries(metadata)) {
    header.string(key)
    writeValue(header, value)
  }

  let offset = 0
  for (const tensor of tensors) {
    header.string(tensor.name)
    header.u32(tensor.shape.length)
    for (const size of tensor.shape) header.u64(size)
    header.u32(tensorFormats[tensor.format])
    header.u64(offset)
    offset += tensor.data.length + padding(tensor.data.length)
  }
  header.pad()
  for (const tensor of tensors) {
    header.bytes(tensor.data)
    header.pad()
  }
  writeFileSync(path, header.joined())
}

function writeValue(out: ByteWriter, value: Value): void {
  switch (value.type) {
    case 'u32':
      out.u32(valueTypes.u32)
      return out.u32(value.value)
    case 'f32':
      out.u32(valueTypes.f32)
      return out.f32(value.value)
    case 'bool':
      out.u32(valueTypes.bool)
      return out.bytes(Uint8Array.of(value.value ? 1 : 0))
    case 'string':
      out.u32(valueTypes.string)
      return out.string(value.value)
    case 'strings':
      writeArrayHead(out, valueTypes.string, value.value.length)
      return value.value.forEach((text) => out.string(text))
    case 'f32s':
      writeArrayHead(out, valueTypes.f32, value.value.length)
      return value.value.forEach((number) => out.f32(number))
    case 'i32s':
      writeArrayHead(out, valueTypes.i32, value.value.length)
      return value.value.forEach((number) => out.i32(number))
  }
}

function writeArrayHead(out: ByteWriter, type: number, length: number): void {
  out.u32(valueTypes.array)
  out.u32(type)
  out.u64(length)
}

/** The bytes from `length` to the next aligned place. */
const padding = (length: number): number => (alignment - (length % alignment)) % alignment

class ByteWriter {
  readonly #parts: Uint8Array[] = []
  #size = 0

  bytes(part: Uint8Array): void {
    this.#parts.push(part)
    this.#size += part.length
  }

  u32(value: number): void {
    this.#number(4, (view) => view.setUint32(0, value, true))
  }

  i32(value: number): void {
    this.#number(4, (view) => view.setInt32(0, value, true))
  }

  f32(value: number): void {
    this.#number(4, (view) => view.setFloat32(0, value, true))
  }

  u64(value: number): void {
    this.#number(8, (view) => view.setBigUint64(0, BigInt(value), true))
  }

  string(text: string): void {
    const encoded = Buffer.from(text)
    this.u64(encoded.length)
    this.bytes(encoded)
  }

  pad(): void {
    this.bytes(new Uint8Array(padding(this.#size)))
  }

  joined(): Uint8Array {
    return Buffer.concat(this.#parts)
  }

  #number(size: number, write: (view: DataView) => void): void {
    const bytes = new Uint8Array(size)
    write(new DataView(bytes.buffer))
    this.bytes(bytes)
  }
}

const blockLength = 32

/** Blocks of 32 numbers, each with one 16-bit scale and 32 signed bytes. */
export function toQ8(numbers: Float32Array): Uint8Array {
  const blockBytes = 2 + blockLength
  const bytes = new Uint8Array((numbers.length / blockLength) * blockBytes)
  const view = new DataView(bytes.buffer)
  for (let block = 0; block * blockLength < numbers.length; block++) {
    const values = numbers.subarray(block * blockLength, (block + 1) * blockLength)
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const scale = largest / 127
    view.setUint16(block * blockBytes, toHalf(scale), true)
    values.forEach((value, index) => {
      const level = scale === 0 ? 0 : Math.round(value / scale)
      view.setInt8(block * blockBytes + 2 + index, level)
    })
  }
  return bytes
}

/** The bits of a 16-bit float; enough for the scale of a block, which is small and not negative. */
function toHalf(value: number): number {
  const smallestNormal = 2 ** -14
  if (value < smallestNormal) return Math.round(value * 2 ** 24)
  const exponent = Math.floor(Math.log2(value))
  const fraction = Math.round((value / 2 ** exponent - 1) * 1024)
  return ((exponent + 15) << 10) + fraction
}

export const toF32 = (numbers: Float32Array): Uint8Array =>
  new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
