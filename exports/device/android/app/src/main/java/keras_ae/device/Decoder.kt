package keras_ae.device

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Color
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel

private const val GENERATE = "generate"

/**
 * A decoder from `keras-ae export litert` in the assets of the app, for gray images with one class as condition.
 *
 * It must have been exported with a batch size of 1. For a model without a condition, make it with `conditional = false`.
 * It runs on the CPU: its random numbers are integer operations that delegates for other processors may lack.
 */
class Decoder(context: Context, asset: String, conditional: Boolean = true) : AutoCloseable {
    private val model =
        CompiledModel.create(context.assets, asset, CompiledModel.Options(Accelerator.CPU))
    private val names = if (conditional) listOf("seed", "row", "condition") else listOf("seed", "row")
    private val inputs = names.associateWith { model.createInputBuffer(it, GENERATE) }
    private val output = model.createOutputBuffer("x", GENERATE)
    private val shape = // [1, height, width, 1]
        checkNotNull(model.getOutputTensorType("x", GENERATE).layout) { "The shape must be static." }.dimensions

    /** Returns image [row] of a seed. The same seed gives the same samples here and in Keras. */
    fun draw(seed: Int, row: Int = 0, label: Int? = null): Bitmap {
        val values = mapOf("seed" to seed, "row" to row, "condition" to label)
        for ((name, buffer) in inputs) {
            buffer.writeInt(intArrayOf(requireNotNull(values[name]) { "The decoder needs a label." }))
        }
        model.run(inputs, mapOf("x" to output), GENERATE)
        val x = output.readFloat()
        val (_, height, width) = shape
        val picture = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
        for (i in 0 until height) {
            for (j in 0 until width) {
                val value = x[i * width + j]
                require(!value.isNaN()) { "The decoder does not know the label $label." }
                val gray = (255 * value.coerceIn(0f, 1f)).toInt()
                picture.setPixel(j, i, Color.rgb(gray, gray, gray))
            }
        }
        return picture
    }

    override fun close() {
        inputs.values.forEach { it.close() }
        output.close()
        model.close()
    }
}
