using Moesaic.Models.Decoder;
using Moesaic.Models.Families;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>Whether a checkpoint's tensors match its description, none left over and none counted twice.</summary>
internal static class DescriptionCheck
{
    public static void Check(string path)
    {
        using OpenedModel model = OpenedModel.Open(path);
        LoadPlan main = LoadPlan.Create(model.Description, model.Checkpoint);
        LoadPlan all = LoadPlan.Create(model.Description, model.Checkpoint, includeMtp: true);
        ModelCosts costs = ModelCosts.Of(all);
        TestContext.Out.WriteLine($"{model.Description.Family}: {costs.Parameters} parameters, {costs.ActiveParameters} active, {main.Ignored.Length} tensors ignored");
        long elements = model.Checkpoint.Tensors.Sum(t => t.ElementCount);
        long ignored = all.Ignored.Sum(t => t.Tensor.ElementCount);
        long mtp = all.Matrices.Sum(m => m.Source.Count) + all.Vectors.Keys.Sum(v => v.Length) - main.Matrices.Sum(m => m.Source.Count) - main.Vectors.Keys.Sum(v => v.Length);
        Assert.That(costs.Parameters, Is.EqualTo(elements - ignored - mtp));
    }
}
