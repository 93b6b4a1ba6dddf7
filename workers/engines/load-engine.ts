import type { EngineSpec } from './engine-spec.ts'
import type { Engine } from './engine.ts'

/** The engine a thread was started for. Each is imported where it is used: an echo thread loads no native code. */
export async function loadEngine(spec: EngineSpec): Promise<Engine> {
  switch (spec.engine) {
    case 'echo': {
      const { echoEngine } = await import('./echo.ts')
      return echoEngine(spec)
    }
    case 'echo-in': {
      const { echoInEngine } = await import('./echo-in.ts')
      return echoInEngine(spec)
    }
    case 'llama': {
      const { llamaEngine } = await import('./llama/llama-engine.ts')
      return llamaEngine(spec)
    }
    case 'llama-embed': {
      const { llamaEmbedEngine } = await import('./llama/embed-engine.ts')
      return llamaEmbedEngine(spec)
    }
    case 'llama-rerank': {
      const { llamaRerankEngine } = await import('./llama/rerank-engine.ts')
      return llamaRerankEngine(spec)
    }
    case 'lexical-embed': {
      const { lexicalEmbedEngine } = await import('./lexical/embed-engine.ts')
      return lexicalEmbedEngine(spec)
    }
    case 'lexical-rerank': {
      const { lexicalRerankEngine } = await import('./lexical/rerank-engine.ts')
      return lexicalRerankEngine(spec)
    }
  }
}
