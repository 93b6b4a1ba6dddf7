import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, open, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const BLOCK_BYTES = 64 * 1024

/** Root, and a kernel that lets it. */
export async function canMount(): Promise<boolean> {
  const dir = await mkdtemp(join(tmpdir(), 'june-try-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir])
    await run('umount', [dir])
    return true
  } catch {
    return false
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

export interface SmallDisk extends AsyncDisposable {
  /** Takes every byte that is left. The code of the error that said that there are no more. */
  fill: () => Promise<string>
  free: () => Promise<void>
}

/** A disk of so many bytes at `dir`, which is made. */
export async function mountSmallDisk(dir: string, bytes: number): Promise<SmallDisk> {
  await mkdir(dir, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir])
  const ballast = join(dir, 'ballast')
  return {
    fill: async () => {
      await using file = await open(ballast, 'a')
      for (let size = BLOCK_BYTES; ;) {
        try {
          await file.write(Buffer.alloc(size))
        } catch (thrown) {
          if (size === 1) return (thrown as NodeJS.ErrnoException).code ?? ''
          size = 1
        }
      }
    },
    free: () => rm(ballast, { force: true }),
    [Symbol.asyncDispose]: async () => void (await run('umount', ['-l', dir])),
  }
}

export interface BlockDisk extends AsyncDisposable {
  dir: string
  /**
   * What a power cut leaves: the disk as it was at this moment, without what the kernel had not yet written to it, is put
   * in its place. Whoever used it must be dead.
   */
  cutPower: () => Promise<void>
}

/** A file system of its own in a file: what was written and not synced is in the kernel's memory, and not in the file. */
export async function mountBlockDisk(bytes: number): Promise<BlockDisk> {
  const made = await mkdtemp(join(tmpdir(), 'june-disk-'))
  const [image, dir] = [join(made, 'image'), join(made, 'disk')]
  await mkdir(dir)
  await (await open(image, 'w')).close()
  await truncate(image, bytes)
  await run('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0', image])
  const mount = () => run('mount', ['-o', 'loop', image, dir])
  await mount()
  return {
    dir,
    cutPower: async () => {
      const cut = `${image}.cut`
      await copyFile(image, cut)
      await run('umount', [dir])
      await copyFile(cut, image)
      await rm(cut)
      await mount()
    },
    [Symbol.asyncDispose]: async () => {
      await run('umount', ['-l', dir])
      await rm(made, { recursive: true, force: true })
    },
  }
}
