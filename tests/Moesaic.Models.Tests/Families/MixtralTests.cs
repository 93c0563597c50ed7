namespace Moesaic.Models.Tests.Families;

[TestFixture("mixtral", Containers.Both)]
public sealed class MixtralTests(string name, Containers containers) : FamilyTests(name, containers);
